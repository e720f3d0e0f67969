//! An echo server on smol, as an engine of the bench (docs/ENGINES.md): one executor, run by N threads.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use smol::future::pending;
use smol::io::{self, AsyncReadExt, AsyncWriteExt};
use smol::{Async, Executor, Timer};
use socket2::{Domain, Socket, Type};

/// The number in the environment variable REACTORLAB_`name`, or `usual` where there is none.
fn setting(name: &str, usual: usize) -> usize {
    let text = env::var(format!("REACTORLAB_{name}"));
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn listen(address: SocketAddr, backlog: usize) -> io::Result<Async<TcpListener>> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog as i32)?;
    Async::new(TcpListener::from(socket))
}

/// Serves until SIGTERM; what is open then ends with the executor.
async fn serve(executor: Arc<Executor<'static>>) -> io::Result<()> {
    let (signal, mut stop) = Async::<UnixStream>::pair()?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, signal.into_inner()?)?;
    let port = setting("PORT", 0) as u16;
    let listener = listen(([127, 0, 0, 1], port).into(), setting("BACKLOG", 4096))?;
    println!("READY port={}", listener.get_ref().local_addr()?.port());
    let chunk = setting("READ_CHUNK", 32 * 1024);
    executor.spawn(accept(executor.clone(), listener, chunk)).detach();
    stop.read_exact(&mut [0]).await
}

async fn accept(executor: Arc<Executor<'static>>, listener: Async<TcpListener>, chunk: usize) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => executor.spawn(echo(stream, chunk)).detach(),
            // Out of descriptors: it would fail again at once, for ever.
            Err(_) => {
                Timer::after(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn echo(mut stream: Async<TcpStream>, chunk: usize) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let mut buffer = vec![0; chunk];
    loop {
        let size = stream.read(&mut buffer).await?;
        if size == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..size]).await?;
    }
}

fn main() -> io::Result<()> {
    let executor = Arc::new(Executor::new());
    for _ in 1..setting("WORKERS", 1) {
        let executor = executor.clone();
        thread::spawn(move || smol::block_on(executor.run(pending::<()>())));
    }
    smol::block_on(executor.run(serve(executor.clone())))
}
