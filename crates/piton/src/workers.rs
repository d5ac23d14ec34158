//! Working on many items with several threads, for compiling, building and fetching.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use piton_board::deadline::Cancel;

/// Calls `work` for each item, on at most `threads` threads, this one among them.
///
/// `done` gets the number of finished items after each item, in rising order: the thread that did the work calls it,
/// and only one thread calls it at a time. The results are in the order of the items. After `cancel` no further item is
/// begun, and the result of such an item is `None`.
///
/// A panic in `work` or `done` ends the call with that panic.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    threads: NonZeroUsize,
    cancel: &Cancel,
    work: impl Fn(&T) -> R + Sync,
    done: impl Fn(usize) + Sync,
) -> Vec<Option<R>> {
    let next = AtomicUsize::new(0);
    let count = Mutex::new(0);
    let results = Mutex::new(Vec::new());
    let run = || {
        // The results are added at the end, so that the threads lock the list only once.
        let mut own = Vec::new();
        while !cancel.is_cancelled() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                break;
            };
            own.push((index, work(item)));
            let mut count = lock(&count);
            *count += 1;
            done(*count);
        }
        lock(&results).extend(own);
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    let mut in_order = Vec::new();
    in_order.resize_with(items.len(), || None);
    for (index, result) in results.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if let Some(place) = in_order.get_mut(index) {
            *place = Some(result);
        }
    }
    in_order
}

/// Calls `work` for each item on `threads` detached threads. Returns the receiver of the results, which arrive
/// in any order, each with the index of its item.
///
/// `work` gets the number of its thread, from 0, the index and the item. At most `threads` results wait for the
/// receiver, because results may be as large as documents. Dropping the receiver ends the threads at their next result,
/// so that work that hangs (a silent server) does not block the caller.
pub fn detached<T: Send + 'static, R: Send + 'static>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(usize, usize, T) -> R + Send + Sync + 'static,
) -> mpsc::Receiver<(usize, R)> {
    let threads = threads.min(items.len());
    let queue = items.into_iter().enumerate().collect::<VecDeque<_>>();
    let (queue, work) = (Arc::new(Mutex::new(queue)), Arc::new(work));
    let (results, arrived) = mpsc::sync_channel(threads);
    for number in 0..threads {
        let (queue, work, results) = (Arc::clone(&queue), Arc::clone(&work), results.clone());
        thread::spawn(move || {
            loop {
                let next = lock(&queue).pop_front();
                let Some((index, item)) = next else {
                    break;
                };
                if results.send((index, work(number, index, item))).is_err() {
                    break;
                }
            }
        });
    }
    arrived
}

/// Locks a mutex. A panic of another thread does not leave the value in an invalid state.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::time::Duration;

    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items = (0..100).collect::<Vec<u64>>();
        for count in [1, 3, 200] {
            let counts = Mutex::new(Vec::new());
            let work = |item: &u64| {
                // The first ones take longest.
                thread::sleep(Duration::from_micros(100 - item));
                item * 2
            };
            let done = |count| counts.lock().unwrap().push(count);
            let results = each(&items, threads(count), &Cancel::new(), work, done);
            let expected = items.iter().map(|item| Some(item * 2));
            assert_eq!(results, expected.collect::<Vec<_>>());
            let counts = counts.into_inner().unwrap();
            assert_eq!(counts, (1..=100).collect::<Vec<usize>>());
        }
        let nothing = each(&[], threads(4), &Cancel::new(), |item: &u64| *item, |_| {});
        assert!(nothing.is_empty());
    }

    #[test]
    fn several_items_are_worked_on_at_once() {
        // Each waits for the other: one thread alone would wait for ever.
        let barrier = Barrier::new(2);
        let work = |_: &()| barrier.wait().is_leader();
        let results = each(&[(), ()], threads(2), &Cancel::new(), work, |_| {});
        assert_eq!(
            results
                .iter()
                .filter(|leader| **leader == Some(true))
                .count(),
            1
        );
    }

    #[test]
    fn after_cancel_no_item_is_begun() {
        let cancel = Cancel::new();
        let items = (0..10).collect::<Vec<usize>>();
        let work = |item: &usize| {
            if *item == 2 {
                cancel.cancel();
            }
            *item
        };
        let results = each(&items, threads(1), &cancel, work, |_| {});
        let begun = results.into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(begun, [0, 1, 2]);
    }

    #[test]
    fn a_panic_is_passed_to_the_caller() {
        let call = || {
            each(
                &[1, 2],
                threads(2),
                &Cancel::new(),
                |_| panic!("no"),
                |_| {},
            )
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
    }

    #[test]
    fn detached_results_arrive_with_their_index() {
        let arrived = detached(vec!["a", "b", "c"], 2, |number, index, item| {
            (number < 2 && index < 3, item)
        });
        let results = arrived.iter().collect::<BTreeSet<_>>();
        let expected = [(0, (true, "a")), (1, (true, "b")), (2, (true, "c"))];
        assert_eq!(results, BTreeSet::from(expected));
        assert!(
            detached(Vec::<u8>::new(), 2, |_, _, item| item)
                .recv()
                .is_err()
        );
    }

    #[test]
    fn work_that_hangs_does_not_block_the_caller() {
        let (release, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        let arrived = detached(vec![1, 2], 2, move |_, _, item| {
            if item == 1 {
                let _ = held.lock().unwrap().recv();
            }
            item
        });
        assert_eq!(arrived.recv(), Ok((1, 2)));
        // The first one still waits, and nothing waits for it.
        drop(arrived);
        drop(release);
    }
}
