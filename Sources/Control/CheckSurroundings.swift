// What health checks have in common: who is asked, who gets the results, and what all of them use.

internal import Balancing
internal import Basics
internal import Expressions
internal import ProxyProtocol
internal import Reactor

/// Who is asked.
enum CheckSubject {
    /// The server itself.
    case server
    /// Its agent.
    case agent

    func plan(of server: Server) -> HealthCheckPlan? {
        switch self {
        case .server: server.check
        case .agent: server.agentCheck
        }
    }
}

/// Gets the results of checks.
protocol HealthObserver: AnyObject {
    /// A check has ended. `transition` is not nil if it changed the server between up and down, which the backend has published.
    func checked(
        _ server: Server, of backend: Backend, by subject: CheckSubject, _ result: CheckResult,
        transition: HealthRecord.Transition?)
}

/// What all checkers of a process share.
final class CheckSurroundings {
    let pool: BufferPool
    /// Lives longer than the checks.
    unowned let observer: any HealthObserver
    var timing = CheckTiming()
    /// Makes what formats and variables of the checks of a server in this backend live in.
    var makeContext: (Backend) -> ExchangeContext = { _ in CheckRun.makeContext(nil) }

    init(pool: BufferPool, observer: any HealthObserver) {
        self.pool = pool
        self.observer = observer
    }
}

extension CheckRoute {
    /// The PROXY protocol header of a connection that no client caused. Version 1 cannot express that: there the checker is the client.
    func header(to server: Server, over socket: Socket?, _ kernel: any Kernel) -> [UInt8] {
        switch proxyHeader {
        case nil: return []
        case .two: return ProxyHeader.bytes(.two, nil)
        case .one:
            guard let target = target(for: server.address), let socket else { return ProxyHeader.bytes(.one, nil) }
            return ProxyHeader.bytes(.one, ProxyHeader.Ends(source: kernel.localAddress(socket), destination: target))
        }
    }
}

extension ChildProgram.End {
    /// What a program that checks says by its end.
    var verdict: CheckResult {
        switch self {
        case .exited(0): CheckResult(.passed, .programOK, status: 0)
        case .exited(let code): CheckResult(.failed, .programError, status: code)
        case .killed(let signal):
            CheckResult(.failed, .programError, info: "the program was ended by signal \(signal)")
        }
    }
}
