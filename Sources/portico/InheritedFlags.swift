// The flags of HAProxy's command line that the argument parser cannot read: lists without a mark at their end (-sf 12 34), values
// without a blank before them (-dM0x50), and switches that have nothing to switch here.
//
// Init scripts and service files pass them. Those that ask for what one process does anyway are taken in silence; those that ask
// for an output which does not exist are refused by name, since a tool waits for it.

/// What HAProxy's own flags ask for, taken out of the arguments before the rest of them is parsed.
struct InheritedFlags {
    /// Processes that get SIGUSR1 once this one listens: `-sf`.
    private(set) var finishing: [Int32] = []
    /// Processes that get SIGTERM once this one listens: `-st`.
    private(set) var terminating: [Int32] = []
    /// Whether another process may listen on the same addresses until then: `-sf`, `-st` or `-x` was given.
    private(set) var takesOver = false
    /// Sockets for commands to the master process: `-S`. There is none, so that this process answers them itself.
    private(set) var masterSockets: [String] = []
    /// Whether a master process was asked for (`-W`, `-Ws`): who started this one expects the exit status of HAProxy's master.
    private(set) var actsAsMaster = false
    /// The arguments that are left.
    private(set) var rest: [String] = []

    /// Why the arguments are refused.
    struct Refusal: Error {
        let message: String
    }

    /// Switches without an effect, by their beginning: what follows is a value of theirs.
    private static let withValue = ["-dM"]

    /// Switches without an effect.
    private static let switches: Set = [
        "-dF", "-dI", "-dR", "-dS", "-dT", "-dV", "-dZ", "-dc", "-de", "-dk", "-dp", "-dv",
    ]

    /// Flags that print something for developers or tools.
    private static let outputs = ["-dA", "-dC", "-dK", "-dL", "-dt"]

    /// - Parameter arguments: those of the command line, without the program's name.
    init(_ arguments: [String]) throws(Refusal) {
        var next = arguments[...]
        while let argument = next.popFirst() {
            switch argument {
            case "--":
                rest.append(argument)
                rest += next
                return
            case "-sf":
                takesOver = true
                finishing += try Self.processes(&next, of: argument)
            case "-st":
                takesOver = true
                terminating += try Self.processes(&next, of: argument)
            case "-W", "-Ws": actsAsMaster = true
            case "-x":
                guard let socket = next.popFirst() else { throw Refusal(message: "-x lacks the path of a socket") }
                takesOver = takesOver || socket != "/dev/null"
            case "-S":
                guard let socket = next.popFirst() else { throw Refusal(message: "-S lacks an address") }
                masterSockets.append(socket)
            case "-f", "-p", "-n", "-C", "-L", "-cc":
                // Their value is theirs, whatever it looks like.
                rest.append(argument)
                if let value = next.popFirst() { rest.append(value) }
            case _ where Self.switches.contains(argument): break
            case _ where Self.withValue.contains(where: argument.hasPrefix): break
            case _ where Self.outputs.contains(where: argument.hasPrefix):
                throw Refusal(message: "\(argument) is known to HAProxy, but Portico does not do it yet")
            default: rest.append(argument)
            }
        }
    }

    /// The numbers up to the next flag. There may be none: scripts put the output of `pidof` here.
    private static func processes(
        _ next: inout ArraySlice<String>, of flag: String
    ) throws(Refusal) -> [Int32] {
        var numbers: [Int32] = []
        while let word = next.first, !word.hasPrefix("-") {
            for text in word.split(whereSeparator: \.isWhitespace) {
                // 0 and negative numbers are groups of processes to kill(2), this one among them.
                guard let number = Int32(text), number > 0 else {
                    throw Refusal(message: "\(flag): '\(text)' is not the number of a process")
                }
                numbers.append(number)
            }
            next = next.dropFirst()
        }
        return numbers
    }
}
