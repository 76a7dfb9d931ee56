// A tunnel whose bytes come in bulk lets the system move them by itself (splice(2)). Short messages are copied: for them a pipe,
// two calls each way, costs more.

internal import Basics
internal import Reactor
internal import Transport

/// One direction of a tunnel.
struct TunnelDirection {
    /// Bytes that the system moves by itself are in it; nil while bytes are copied.
    var pipe: (any Pipe)?
    /// Reads in a row that filled the whole buffer: more of them are to be expected.
    private var fullReads = 0

    /// Full reads that make a bulk.
    private static let fullReadsMin = 2

    /// Takes note of what a read has brought.
    mutating func note(isFull: Bool) { fullReads = isFull ? fullReads + 1 : 0 }

    /// Whether the next bytes are worth a pipe.
    func isBulk(_ splicing: Splicing) -> Bool {
        switch splicing {
        case .never: false
        case .automatic: fullReads >= Self.fullReadsMin
        case .always: true
        }
    }
}

extension Tunnel {
    /// What came of one attempt to move a direction on.
    enum Passed { case progressed, waiting, finished, sourceFailed, targetFailed }

    /// The next bytes of a direction go through a pipe, if they are a bulk and there is one.
    func beginsSplicing(
        _ direction: inout TunnelDirection, from source: Connection, to target: Connection, _ worker: Worker
    ) -> Bool {
        guard let backend else { return false }
        let splicing = source === client ? backend.requestSplicing : backend.responseSplicing
        guard direction.isBulk(splicing), source.transport.mayHaveInput, source.canSplice(to: target) else {
            return false
        }
        direction.pipe = worker.pipes.lend(worker.kernel)
        return direction.pipe != nil
    }

    /// Moves what can be moved through the pipe. A pipe that is empty and has nothing to wait for goes back: an idle tunnel has none.
    func splice(
        _ direction: inout TunnelDirection, through pipe: any Pipe, from source: Connection, to target: Connection,
        _ worker: Worker
    ) -> Passed {
        var read = ReadResult.progressed
        var received = 0
        if pipe.count == 0 {
            read = source.fill(pipe, atMost: Self.spliceBytesMax, received: &received, worker)
            count(received, from: source)
            direction.note(isFull: received >= worker.bufferBytes)
        }
        let waiting = pipe.count
        switch target.flush(pipe, worker, more: source.transport.mayHaveInput) {
        case .all: break
        case .blocked: return received > 0 || pipe.count < waiting ? .progressed : .waiting
        case .failed: return .targetFailed
        }
        if read != .progressed || received < worker.bufferBytes {
            worker.pipes.giveBack(pipe)
            direction.pipe = nil
        }
        return passed(read, from: source, to: target, worker)
    }

    /// What is asked of a source at a time; a pipe takes less.
    private static var spliceBytesMax: Int { 1 << 20 }
}
