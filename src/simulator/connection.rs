//! Connections that an answer can end without a byte.
//!
//! A server always answers what it has read; faults need one that does not.
//! Each connection carries a mark that an answer can set. Once it is set,
//! nothing more is written, and the server gives the connection up.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::http::Extensions;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The mark of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Door(Arc<AtomicBool>);

/// Tells the log of requests that there was no answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoAnswer;

/// Ends the connection of a request; what is returned is not sent.
pub(super) fn end_connection(extensions: &Extensions) -> Response {
    if let Some(ConnectInfo(Door(is_closed))) = extensions.get() {
        is_closed.store(true, Ordering::Relaxed);
    }
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(NoAnswer);
    response
}

/// Accepts connections that have a door.
#[derive(Debug)]
pub(super) struct DoorListener(pub(super) TcpListener);

impl Listener for DoorListener {
    type Io = DoorStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DoorStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Without this a large body can wait for the acknowledgement of its first part.
        drop(stream.set_nodelay(true));
        (DoorStream { stream, door: Door::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, DoorListener>> for Door {
    fn connect_info(stream: IncomingStream<'_, DoorListener>) -> Self {
        stream.io().door.clone()
    }
}

/// A connection that stops writing once its door is closed.
#[derive(Debug)]
pub(super) struct DoorStream {
    stream: TcpStream,
    door: Door,
}

impl DoorStream {
    fn check_door(&self) -> io::Result<()> {
        let is_closed = self.door.0.load(Ordering::Relaxed);
        if is_closed { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for DoorStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for DoorStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_door()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_door()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_door()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
