use std::thread;

use tokio::runtime::Builder;

fn main() -> std::io::Result<()> {
    // A process of one thread gets cheaper calls from the kernel; nobody is measured with that (docs/ENGINES.md).
    thread::spawn(|| loop {
        thread::park()
    });
    reactorlab_tokio::serve(Builder::new_current_thread().enable_all().build()?)
}
