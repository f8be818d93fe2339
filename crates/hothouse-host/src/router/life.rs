//! The life that serves, as the router sees it.

use std::sync::{Arc, OnceLock};

use hothouse_kernel::Incarnation;
use hothouse_kernel::degradation::MethodTraits;
use hothouse_runtime::contract::{Description, Method};
use hothouse_runtime::{Call, CallId, CallReply, Instance, Loader, Outcome};

use super::schemas::Schemas;

/// Which method of a description; [`UNDESCRIBED`] if the plugin does not say what it exports.
pub(super) type MethodAt = u32;

pub(super) const UNDESCRIBED: MethodAt = u32::MAX;

/// A life that serves: how calls are passed on to it, and what it exports.
pub(crate) struct Life {
    pub(super) incarnation: Incarnation,
    instance: Arc<dyn Instance>,
    loader: Arc<dyn Loader>,
    description: Option<Arc<Description>>,
    /// The methods in the order of their names.
    sorted: Box<[MethodAt]>,
    /// Made with the first call that is validated.
    schemas: OnceLock<Option<Arc<Schemas>>>,
}

impl Life {
    pub(crate) fn new(
        incarnation: Incarnation,
        instance: Arc<dyn Instance>,
        loader: Arc<dyn Loader>,
        description: Option<Arc<Description>>,
    ) -> Life {
        let methods = description.as_ref().map_or(&[][..], |description| &description.methods);
        let mut sorted: Vec<MethodAt> = (0..UNDESCRIBED).take(methods.len()).collect();
        // Stable: of two methods of one name the first counts.
        sorted.sort_by_key(|at| methods[*at as usize].name.as_str());
        sorted.dedup_by_key(|at| methods[*at as usize].name.as_str());
        let sorted = sorted.into();
        Life { incarnation, instance, loader, description, sorted, schemas: OnceLock::new() }
    }

    /// The method of that name; `None` if the plugin does not export it.
    pub(super) fn find(&self, name: &str) -> Option<MethodAt> {
        let Some(description) = &self.description else { return Some(UNDESCRIBED) };
        let by_name = |at: &MethodAt| description.methods[*at as usize].name.as_str().cmp(name);
        self.sorted.binary_search_by(by_name).ok().map(|found| self.sorted[found])
    }

    /// What the plugin says of a method.
    pub(super) fn method(&self, at: MethodAt) -> Option<&Method> {
        self.description.as_ref()?.methods.get(at as usize)
    }

    pub(super) fn name_of(&self, at: MethodAt) -> Option<&str> {
        self.method(at).map(|method| method.name.as_str())
    }

    pub(super) fn description(&self) -> Option<&Description> {
        self.description.as_deref()
    }

    /// What decides whether a call of the method is let through.
    pub(super) fn traits(&self, at: MethodAt) -> MethodTraits<'_> {
        self.method(at).map_or(MethodTraits::default(), |method| MethodTraits {
            readonly: method.readonly,
            cacheable: method.cacheable,
            essential: method.essential,
            feature: method.feature.as_deref(),
        })
    }

    /// Whether a call that may have begun may be made again.
    pub(super) fn is_idempotent(&self, at: MethodAt) -> bool {
        self.method(at).is_some_and(|method| method.idempotent)
    }

    pub(super) fn is_cacheable(&self, at: MethodAt) -> bool {
        self.method(at).is_some_and(|method| method.cacheable)
    }

    /// Passes a call on. `validates`: what goes there and what comes back is held against what the plugin declares.
    pub(super) fn call(&self, call: Call, validates: bool) {
        let Some(call) = (if validates { self.validated(call) } else { Some(call) }) else { return };
        self.instance.call(call);
        self.loader.flush();
    }

    /// The same call, whose result will be validated; `None` if it has been answered, because its argument is wrong.
    fn validated(&self, mut call: Call) -> Option<Call> {
        let schemas = self.schemas.get_or_init(|| {
            let description = self.description().filter(|description| {
                description.methods.iter().any(|method| method.params.is_some() || method.result.is_some())
            })?;
            Some(Arc::new(Schemas::of(description)))
        });
        let (Some(schemas), Some(method)) = (schemas, self.find(&call.method)) else { return Some(call) };
        if let Err(error) = schemas.check_params(method, &call.method, &call.payload) {
            call.reply.send(Err(error));
            return None;
        }
        let (schemas, name, reply) = (Arc::clone(schemas), call.method.clone(), call.reply);
        call.reply = CallReply::minding_loss(move |outcome| match outcome {
            Outcome::Answered(Ok(result)) => {
                let checked = schemas.check_result(method, &name, &result);
                reply.send(checked.map(|()| result));
            }
            Outcome::Answered(Err(error)) => reply.send(Err(error)),
            Outcome::Lost(loss) => reply.lose(loss),
        });
        Some(call)
    }

    pub(super) fn cancel(&self, call: CallId) {
        self.instance.cancel(call);
        self.loader.flush();
    }
}
