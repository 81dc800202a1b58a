//! Work on many files by a few threads at once.

use std::io;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// How many items a thread takes at once: files of one folder, mostly, so that two threads seldom meet in one.
const CHUNK: usize = 64;

/// More threads than these wait for the disk, or for each other.
const MOST: usize = 8;

/// Does `work` for each item, and gives what it gave in the order of the items; or the first failure that was met.
pub(super) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> io::Result<R> + Sync) -> io::Result<Vec<R>> {
    // To ask how many cores there are takes longer than a few files.
    let workers = match items.len().div_ceil(CHUNK) {
        0 | 1 => 1,
        chunks => thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST)
            .min(chunks),
    };
    if workers == 1 {
        return items.iter().map(work).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        let mut out = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            let Some(chunk) = items
                .get(start..items.len().min(start + CHUNK))
                .filter(|chunk| !chunk.is_empty())
            else {
                break;
            };
            let done: io::Result<Vec<R>> = chunk.iter().map(&work).collect();
            let done = done.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            out.push((start, done));
        }
        Ok::<_, io::Error>(out)
    };
    let mut parts = thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let mut parts = Vec::new();
        for handle in handles {
            parts.extend(handle.join().unwrap_or_else(|panic| panic::resume_unwind(panic))?);
        }
        Ok::<_, io::Error>(parts)
    })?;
    parts.sort_by_key(|(start, _)| *start);
    Ok(parts.into_iter().flat_map(|(_, part)| part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        for count in [0, 1, 63, 64, 65, 10_000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(
                map(&items, |item| Ok(item * 2)).unwrap(),
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_failure_ends_it() {
        let items: Vec<usize> = (0..10_000).collect();
        let work = |item: &usize| {
            if *item == 7_777 {
                Err(io::Error::other("no"))
            } else {
                Ok(())
            }
        };
        assert_eq!(map(&items, work).unwrap_err().to_string(), "no");
    }
}
