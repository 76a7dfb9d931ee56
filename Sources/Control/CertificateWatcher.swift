// Takes renewed certificates, authorities and revocation lists from their files, and says when a certificate is about to end. A file is
// taken once it is complete and valid; what is still wrong with it a second after its last change is logged, and the old one stays in use.

internal import Basics
internal import Proxy
internal import Reactor
internal import SystemPackage
internal import TLS

/// Watches the files of all certificates, and of what peers' certificates are checked with.
final class CertificateWatcher: LoopTask {
    /// After a file that is complete: its key may follow at once.
    private static let completePause = TimeSpan.milliseconds(20)
    /// After any change; what is wrong then is not being written any more.
    private static let quietTime = TimeSpan.seconds(1)

    private let store: CertificateStore
    private let watch: FolderWatch
    private let log: (_ isWarning: Bool, String) -> Void
    private var handle = SlotHandle(index: 0, generation: 0)
    private var lastChange = Instant(nanoseconds: 0)

    /// Opens the folders; nil if there are no files, or the system lets none be watched. Call it before the process changes its
    /// root.
    /// - Parameter log: of what happens, with whether it is a warning.
    init?(_ store: CertificateStore, log: @escaping (_ isWarning: Bool, String) -> Void) {
        guard !store.renewedItems.isEmpty else { return nil }
        do throws(Errno) {
            let watch = try FolderWatch()
            try Privileges.use { () throws(Errno) in for folder in store.holdFolders() { try watch.add(folder) } }
            self.watch = watch
        } catch {
            log(true, "The files of certificates cannot be watched: \(error).")
            return nil
        }
        self.store = store
        self.log = log
    }

    func start(in loop: TaskLoop) {
        handle = loop.add(self)
        loop.watch(watch.socket, for: .reading, as: handle)
        // What has changed since it was read has brought no event.
        lastChange = loop.now
        loop.setDeadline(loop.now + Self.completePause, of: handle)
    }

    func stop(in loop: TaskLoop) {
        loop.kernel.unwatch(watch.socket)
        loop.remove(handle)
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        let changes = watch.read()
        guard !changes.isEmpty else { return }
        lastChange = loop.now
        let isComplete = changes.contains { $0.isComplete }
        loop.setDeadline(loop.now + (isComplete ? Self.completePause : Self.quietTime), of: handle)
    }

    func expired(in loop: TaskLoop) {
        let isQuiet = loop.now >= lastChange + Self.quietTime
        var remains = false
        for item in store.changedOnDisk() {
            do throws(CertificateProblem) {
                try store.renew(item, at: loop.kernel.wallTime(), isLast: isQuiet)
                log(false, "\(item.title) was renewed from its file.")
            } catch {
                if isQuiet {
                    log(true, "\(item.title) was not renewed, the old one stays in use: \(error.text).")
                } else {
                    remains = true
                }
            }
        }
        if remains { loop.setDeadline(lastChange + Self.quietTime, of: handle) }
    }
}

/// Warns of certificates that end soon, once each.
final class CertificateEnds: LoopTask {
    /// A fortnight, as at start-up.
    private static let warnedSeconds: Int64 = 14 * 86_400
    private static let interval = TimeSpan.seconds(3_600)

    private let inForce: PlanInForce
    private let log: (String) -> Void
    private var warned: Set<String> = []
    private var handle = SlotHandle(index: 0, generation: 0)

    static func start(_ inForce: PlanInForce, in loop: TaskLoop, log: @escaping (String) -> Void) -> CertificateEnds {
        let task = CertificateEnds(inForce, log)
        task.handle = loop.add(task)
        task.follow(in: loop)
        return task
    }

    private init(_ inForce: PlanInForce, _ log: @escaping (String) -> Void) {
        self.inForce = inForce
        self.log = log
    }

    /// Looks at the certificates of the plan in force. Of those that have ended already, the reading of the files has told.
    func follow(in loop: TaskLoop) {
        let now = Int64(loop.kernel.wallTime().seconds)
        for end in ends where end.validUntil <= now { warned.insert(key(of: end)) }
        expired(in: loop)
    }

    private var ends: [CertificateEnd] { inForce.plan.encryption.ends }

    func stop(in loop: TaskLoop) { loop.remove(handle) }

    /// A renewed certificate has another end.
    private func key(of end: CertificateEnd) -> String { "\(end.name) \(end.validUntil)" }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) {
        let now = Int64(loop.kernel.wallTime().seconds)
        for end in ends where end.validUntil - now < Self.warnedSeconds {
            guard warned.insert(key(of: end)).inserted else { continue }
            let days = (end.validUntil - now) / 86_400
            log(
                end.validUntil <= now
                    ? "Certificate '\(end.name)' has expired."
                    : "Certificate '\(end.name)' expires in \(days) day\(days == 1 ? "" : "s").")
        }
        loop.setDeadline(loop.now + Self.interval, of: handle)
    }
}
