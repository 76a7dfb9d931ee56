// What is counted and measured of the process as a whole, beside what its proxies count.

internal import Balancing
internal import Basics
internal import Synchronization

/// Written by the workers and the control thread, read for `show info` and the page.
public final class ProcessCounters: Sendable {
    /// Client connections, those that rules about connections let in, and requests.
    let connections: RateMeter
    let sessions: RateMeter
    let requests: RateMeter
    /// Bytes sent, to clients and to servers.
    private let sentRate: RateMeter
    let tls: TLSCounters
    private let sheet: PerThreadCounters
    private let blockBytes: Int
    /// In percent; -1 as long as it is not measured.
    private let idle = Atomic<Int>(-1)
    private let stopping = Atomic<Bool>(false)

    private enum Column: Int, CaseIterable { case bytesSent, buffersLent, buffersKept }

    init(workers: Int, bufferBytes: Int) {
        tls = TLSCounters(workers: workers)
        connections = RateMeter(workers: workers)
        sessions = RateMeter(workers: workers)
        requests = RateMeter(workers: workers)
        sentRate = RateMeter(workers: workers)
        sheet = PerThreadCounters(rows: workers, columns: Column.allCases.count)
        blockBytes = bufferBytes
    }

    /// What one worker has sent in one turn, and the state of its buffers behind it.
    func note(bytesSent: UInt64, buffersLent: Int, buffersKept: Int, worker: Int, at now: Instant) {
        let row = sheet.row(worker)
        if bytesSent > 0 {
            row.add(bytesSent, column: Column.bytesSent.rawValue)
            sentRate.count(bytesSent, worker: worker, at: now)
        }
        row.set(UInt64(buffersLent), column: Column.buffersLent.rawValue)
        row.set(UInt64(buffersKept), column: Column.buffersKept.rawValue)
    }

    var bytesSent: UInt64 { sheet.total(Column.bytesSent.rawValue) }
    func bytesSentRate(at now: Instant) -> Int { sentRate.rate(at: now) }
    /// Memory of buffers that hold data, and of all.
    var bufferBytesUsed: UInt64 { sheet.total(Column.buffersLent.rawValue) * UInt64(blockBytes) }
    var bufferBytesAllocated: UInt64 {
        bufferBytesUsed + sheet.total(Column.buffersKept.rawValue) * UInt64(blockBytes)
    }

    /// Share of the last second that the workers did not work, in percent; nil if it is not measured.
    var idlePercent: Int? {
        let percent = idle.load(ordering: .relaxed)
        return percent < 0 ? nil : percent
    }

    /// - Parameter percent: 0 to 100.
    public func setIdle(percent: Int) { idle.store(percent, ordering: .relaxed) }

    /// Whether the process ends, at once or when its last connection does.
    public var isStopping: Bool {
        get { stopping.load(ordering: .relaxed) }
        set { stopping.store(newValue, ordering: .relaxed) }
    }

    /// Looks at the last seconds for maxima. Called once a second.
    func keepMaxima(at now: Instant) {
        for meter in [connections, sessions, requests] { meter.keepMaximum(at: now) }
        tls.keepMaxima(at: now)
    }
}
