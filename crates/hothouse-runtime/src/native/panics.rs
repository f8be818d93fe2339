//! What a panic said and where, for the one who has to find it.
//!
//! The place of a panic is known only to the process-wide panic hook. Ours is put in front of the one that is there:
//! on a thread that runs a plugin it keeps the place for [`contain`] and prints nothing, because the panic becomes a
//! failure with those words in it; on any other thread the earlier hook runs as before.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, UnwindSafe};
use std::sync::Once;

use hothouse_kernel::input::Exit;

thread_local! {
    /// `None` outside of [`contain`]; inside, the place of the last panic.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs what may panic. What was unwound is not looked at again by the caller.
///
/// # Errors
/// How the panic ended the plugin: what it said, and where.
pub(super) fn contain<T>(run: impl FnOnce() -> T) -> Result<T, Exit> {
    install();
    PLACE.with_borrow_mut(|place| *place = Some(String::new()));
    let result = caught(AssertUnwindSafe(run));
    let place = PLACE.with_borrow_mut(Option::take).unwrap_or_default();
    result.map_err(|payload| Exit {
        how: format!("panicked: {}", message(payload.as_ref())),
        panicked: true,
        detail: (!place.is_empty()).then(|| format!("at {place}")),
    })
}

fn caught<T>(run: impl FnOnce() -> T + UnwindSafe) -> Result<T, Box<dyn Any + Send>> {
    panic::catch_unwind(run)
}

fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "with a value that is no text"
    }
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let contained = PLACE.with_borrow_mut(|place| match place {
                Some(place) => {
                    *place = info.location().map_or_else(String::new, ToString::to_string);
                    true
                }
                None => false,
            });
            if !contained {
                earlier(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words_and_its_place() {
        assert_eq!(contain(|| 7).unwrap(), 7);
        let exit = contain(|| panic!("no {}", "disk")).unwrap_err();
        assert_eq!(exit.how, "panicked: no disk");
        assert!(exit.detail.unwrap().contains("panics.rs:"));
        assert_eq!(
            contain(|| std::panic::panic_any(5)).unwrap_err().how,
            "panicked: with a value that is no text"
        );
    }
}
