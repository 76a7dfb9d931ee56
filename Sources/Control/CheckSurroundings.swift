// What health checks have in common: who is asked, who gets the results, and what all of them use.

internal import Balancing
internal import Basics
internal import Expressions

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
struct CheckSurroundings {
    let pool: BufferPool
    /// Lives longer than the checks.
    unowned let observer: any HealthObserver
    var timing = CheckTiming()
    /// Makes what formats and variables of a server's checks live in.
    var makeContext: () -> ExchangeContext = { CheckRun.makeContext(nil) }

    init(pool: BufferPool, observer: any HealthObserver) {
        self.pool = pool
        self.observer = observer
    }
}
