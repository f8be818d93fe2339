//! What becomes of a life whose child could not be spawned.

use hothouse_kernel::Answer;
use hothouse_kernel::input::Exit;
use hothouse_runtime::Reporter;

use crate::handle::{Order, Orders};
use crate::spawn::SpawnError;

/// There is no child: says so, and waits to be told to stop.
pub(crate) async fn never_lived(reporter: &Reporter, mut orders: Orders, error: SpawnError) {
    let is_end = |order: &Order| matches!(order, Order::Stop(..) | Order::Abandon);
    let mut stopped = false;
    while let Some(order) = orders.already_given() {
        stopped |= is_end(&order);
    }
    if !stopped {
        reporter.answer(Answer::Failed(Box::new(error.into())));
    }
    while !stopped {
        let Some(order) = orders.next().await else { return };
        stopped = is_end(&order);
    }
    reporter.answer(Answer::Gone(Box::new(Exit::new("never ran"))));
}
