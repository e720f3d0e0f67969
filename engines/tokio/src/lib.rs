//! An echo server on Tokio, as an engine of the bench (docs/ENGINES.md). Each binary chooses a runtime.

use std::{env, io, net::SocketAddr, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::sleep;

/// The number in the environment variable REACTORLAB_`name`, or `usual` where there is none.
pub fn setting(name: &str, usual: usize) -> usize {
    let text = env::var(format!("REACTORLAB_{name}"));
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Serves until SIGTERM; what is open then ends with the runtime.
pub fn serve(runtime: Runtime) -> io::Result<()> {
    runtime.block_on(async {
        let mut stop = signal(SignalKind::terminate())?;
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], setting("PORT", 0) as u16)))?;
        let listener = socket.listen(setting("BACKLOG", 4096) as u32)?;
        println!("READY port={}", listener.local_addr()?.port());
        // A task, not this future: on several threads only tasks belong to the workers.
        tokio::spawn(accept(listener, setting("READ_CHUNK", 32 * 1024)));
        stop.recv().await;
        Ok(())
    })
}

async fn accept(listener: TcpListener, chunk: usize) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(echo(stream, chunk));
            }
            // Out of descriptors: it would fail again at once, for ever.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn echo(mut stream: TcpStream, chunk: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(chunk);
    while stream.read_buf(&mut buffer).await? != 0 {
        stream.write_all(&buffer).await?;
        buffer.clear();
    }
    Ok(())
}
