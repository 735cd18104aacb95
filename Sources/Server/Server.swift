import Basics
import Dispatch
import Glibc
package import HTTP
package import Posix
package import TLS

/// An HTTP/1.1 server (RFC 9110, RFC 9112) on raw sockets and Dispatch.
package final class Server: Sendable {
    package struct Configuration: Sendable {
        package var listen: [Address]
        /// Sockets that somebody else has opened for us to listen on.
        package var inherited: [Socket.Inherited] = []
        /// Where bodies and parts beyond `limits.memoryThreshold` are kept while a request lasts.
        package var spoolDirectory: String
        package var limits: Limits
        package var timeouts: Timeouts
        /// The certificate of TLS connections; nil: none are. Unix sockets are never encrypted.
        package var identity: TLSIdentity?
        /// Event loops; each serves its share of the connections.
        package var shards: Int
        /// Handlers that may run at once, those aside that are immediate. Further requests wait.
        package var handlerThreads = 16
        /// Measures what is left of disk and memory; nil: those of this machine.
        package var resources: (@Sendable () -> Resources)?

        /// - Parameter shards: Nil for one per two processors, as handlers need some too; at most 8.
        package init(
            listen: [Address], spoolDirectory: String, limits: Limits = Limits(), timeouts: Timeouts = Timeouts(),
            shards: Int? = nil
        ) {
            self.listen = listen
            self.spoolDirectory = spoolDirectory
            self.limits = limits
            self.timeouts = timeouts
            self.shards = max(1, shards ?? min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2))
        }
    }

    private enum State {
        case created
        case running([Listener], [Shard])
        case stopped
    }

    private let configuration: Configuration
    private let context: ServerContext
    private let state = Lock(State.created)

    /// - Parameters:
    ///   - configuration: Of its connections there are fewer if this process may not open so many descriptors, whose limit is raised first.
    ///   - refuse: Gives the body of answers that the server makes itself: to malformed requests, over limits, and the like.
    ///   - accessLog: Called on a connection's queue when a request is over; must be quick.
    package init(
        configuration: Configuration, handler: any Handler, refuse: @escaping @Sendable (Refusal) -> Response,
        accessLog: (@Sendable (AccessLogEntry) -> Void)? = nil
    ) {
        var configuration = configuration
        configuration.limits = configuration.limits.fitting(descriptors: DescriptorLimit.raise())
        self.configuration = configuration
        context = ServerContext(configuration: configuration, handler: handler, refuse: refuse, accessLog: accessLog)
    }

    /// Binds and listens. Connections are accepted when it returns.
    /// - Returns: The addresses really bound, those inherited first, in the order given, with ports for those that asked for port 0.
    package func start() throws(SystemCallError) -> [Address] {
        Signals.ignoreBrokenPipe()
        SpoolFile.removeLeftovers(in: configuration.spoolDirectory)
        var shards: [Shard] = []
        for index in 0..<configuration.shards {
            shards.append(try Shard(label: "gmiseg.shard.\(index)", context: context))
        }
        var listeners: [Listener] = []
        for inherited in configuration.inherited {
            listeners.append(try Listener(inherited, shards: shards, context: context))
        }
        for address in configuration.listen {
            listeners.append(try Listener(address, shards: shards, context: context))
        }
        let (running, bound) = (State.running(listeners, shards), listeners.map(\.address))
        state.withLock { state in
            guard case .created = state else { preconditionFailure("a server is started once") }
            state = running
        }
        do throws(SystemCallError) {
            for listener in listeners { try listener.start() }
        } catch {
            for listener in listeners { listener.stop {} }
            throw error
        }
        return bound
    }

    /// Connections that may be open at once.
    package var connectionLimit: Int { configuration.limits.connections }

    /// Connections open now.
    package var connectionCount: Int { context.census.count }

    /// Stops accepting, lets requests under way finish for at most `timeouts.drain`, closes idle connections, then calls
    /// `completion`, once.
    package func drain(then completion: @escaping @Sendable () -> Void) {
        end(after: configuration.timeouts.drain, then: completion)
    }

    /// Closes everything, then calls `completion`.
    package func stop(then completion: @escaping @Sendable () -> Void = {}) {
        end(after: .zero, then: completion)
    }

    private func end(after patience: Duration, then completion: @escaping @Sendable () -> Void) {
        let (listeners, shards) = state.withLock { state -> ([Listener], [Shard]) in
            guard case .running(let listeners, let shards) = state else { return ([], []) }
            state = patience > .zero ? state : .stopped
            return (listeners, shards)
        }
        let context = context
        let stopped = DispatchGroup()
        for listener in listeners {
            stopped.enter()
            listener.stop { stopped.leave() }
        }
        stopped.notify(queue: .global()) { @Sendable in
            for shard in shards { shard.loop.execute { shard.drain() } }
            let closeAll = { @Sendable in
                for shard in shards { shard.loop.execute { shard.closeAll() } }
            }
            if patience > .zero {
                let nanoseconds = Int(clamping: patience.wholeNanoseconds)
                DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds), execute: closeAll)
            } else {
                closeAll()
            }
            context.census.whenEmpty { completion() }
        }
    }
}
