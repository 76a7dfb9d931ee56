// `balance url_param`: a parameter of the query decides, or, in a POST that does not have it there, of the body.

internal import Basics
public import Configuration
internal import HTTP

public final class ParameterHash: KeyedAlgorithm {
    public struct Options: Sendable {
        let name: [UInt8]
        /// `check_post`: the choice waits for the body of a POST.
        let awaitsBody: Bool
    }

    public static let words = ["url_param"]
    public static let summary =
        "this parameter of the query, or else of the body of a POST as far as it is here; check_post waits for the body"
    public static let arguments = " <name> [check_post]"

    public let servers: HashedServers
    private let options: Options

    public static func options(_ args: inout Arguments) throws(ConfigProblem) -> Options {
        let name = try args.next("a parameter's name").text.verbatimBytes
        let awaitsBody = args.skip("check_post")
        // How many bytes to wait for, in old files; HAProxy ignores it.
        if awaitsBody, let word = args.peek, Int(word.text) != nil { _ = args.nextIfPresent() }
        return Options(name: name, awaitsBody: awaitsBody)
    }

    public static func needs(_ options: Options) -> BalancingNeeds {
        BalancingNeeds(head: true, body: options.awaitsBody)
    }

    public init(_ options: Options, among servers: HashedServers) {
        self.options = options
        self.servers = servers
    }

    public func hash<Request: BalancingRequest & ~Copyable>(
        of request: borrowing Request, _ settings: HashSettings
    ) -> UInt32? {
        let name = options.name
        let (inQuery, isPost): (UInt32?, Bool) = request.withHead { head in
            let query = head.query
            let value = query.parameter(name).map { settings.hash(query.extracting($0)) }
            return (value, head.method == .post)
        }
        if inQuery != nil || !isPost { return inQuery }
        return request.withBody { body in
            guard let value = body.parameter(name) else { return nil }
            // A body that is no form has no parameters; a line may end it.
            let end = body.firstIndex(from: value.lowerBound) { $0 == 0x26 || $0 == 0x20 || 0x09...0x0D ~= $0 }
            let text = body.extracting(value.lowerBound..<end)
            return text.isEmpty || HeaderFields.isToken(text) ? settings.hash(text) : nil
        }
    }
}

extension RawSpan {
    /// Where the value of the first parameter of this name is, in a query or a form; nil if there is none.
    fileprivate func parameter(_ name: [UInt8]) -> Range<Int>? {
        var start = 0
        while start < byteCount {
            let end = firstIndex(from: start) { $0 == 0x26 }
            if end - start > name.count, self[start + name.count] == 0x3D, has(name, at: start) {
                return start + name.count + 1..<end
            }
            start = end + 1
        }
        return nil
    }

    private func has(_ bytes: [UInt8], at start: Int) -> Bool {
        for i in bytes.indices where self[start + i] != bytes[i] { return false }
        return true
    }
}
