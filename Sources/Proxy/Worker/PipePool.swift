// The pipes of one worker, through which the system moves bytes from one connection to another by itself.

internal import Reactor

/// Pipes that are lent and that wait to be lent again. Each has two descriptors.
struct PipePool {
    private var spare: [any Pipe] = []
    private(set) var lent = 0
    /// Pipes lent at a time: beyond that, and where the system has none, bytes are copied.
    var lentMost: Int
    private static let spareMost = 32
    /// The smallest number of spare pipes since the last `trimUnused`.
    private var fewest = 0

    init(lentMost: Int) { self.lentMost = lentMost }

    mutating func lend(_ kernel: any Kernel) -> (any Pipe)? {
        guard lent < lentMost, let pipe = spare.popLast() ?? kernel.makePipe() else { return nil }
        lent += 1
        fewest = min(fewest, spare.count)
        return pipe
    }

    /// One with bytes in it is closed: whom they were for has gone.
    mutating func giveBack(_ pipe: any Pipe) {
        precondition(lent > 0, "a pipe was given back that was not lent")
        lent -= 1
        if pipe.count == 0 && spare.count < Self.spareMost { spare.append(pipe) }
    }

    /// Closes those that are not lent; returns their number.
    @discardableResult
    mutating func trim() -> Int {
        let closed = spare.count
        spare.removeAll()
        fewest = 0
        return closed
    }

    /// Closes as many as were not needed since the last call.
    mutating func trimUnused() {
        spare.removeLast(fewest)
        fewest = spare.count
    }
}
