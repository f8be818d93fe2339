//! What instances have to say.

use std::time::Instant;

use hothouse_kernel::{Answer, Code, Failure, Incarnation, Input, PluginId, Stage};
use hothouse_runtime::Report;
use hothouse_runtime::contract::Description;

use super::Engine;
use crate::plugins::Slot;
use crate::router::{exported_instead, wrong_schema};

impl Engine {
    pub(super) fn reported(&mut self, plugin: PluginId, incarnation: Incarnation, report: Report) {
        match report {
            Report::Answer(answer) => self.answered(plugin, incarnation, answer, Instant::now()),
            Report::Described(description) => {
                if let Some(living) = self.slots[plugin.index()].living(incarnation) {
                    living.description = Some(description);
                }
            }
        }
    }

    /// An instance has answered; `came`: when.
    pub(super) fn answered(
        &mut self,
        plugin: PluginId,
        incarnation: Incarnation,
        answer: Answer,
        came: Instant,
    ) {
        if self.slots[plugin.index()].living(incarnation).is_some() {
            self.note_answer(plugin, &answer, came);
        }
        let slot = &mut self.slots[plugin.index()];
        let Some(living) = slot.living(incarnation) else {
            // The kernel knows best what to make of an answer from the dead.
            return self.handle(Input::Answered { plugin, incarnation, answer });
        };
        let description = living.description.clone();
        let answer = match answer {
            Answer::Initialized => match lacking(slot, description.as_deref(), self.call_settings.validate) {
                None => Answer::Initialized,
                Some(message) => {
                    Answer::Failed(Box::new(Failure::new(Code::ContractViolated, Stage::Init, message)))
                }
            },
            Answer::Gone(exit) => {
                slot.life = None;
                Answer::Gone(exit)
            }
            answer => answer,
        };
        self.handle(Input::Answered { plugin, incarnation, answer });
        self.publish_lane(plugin);
    }
}

/// What the configuration needs and the plugin does not have.
fn lacking(slot: &Slot, description: Option<&Description>, validates: bool) -> Option<String> {
    if let Some(wrong) = description.filter(|_| validates).and_then(wrong_schema) {
        return Some(format!("`host.calls.validate` is on, and `{}` declares {wrong}", slot.identity.name));
    }
    let method = slot.check_method.as_deref()?;
    match description.filter(|description| description.method(method).is_some()) {
        Some(_) => None,
        None => Some(format!(
            "`health.checkMethod` is `{method}`, but `{}` exports no such method; it exports {}",
            slot.identity.name,
            description.map_or_else(|| "none".into(), |description| exported_instead(description, method))
        )),
    }
}
