// Regular expressions: PCRE2's, compiled to machine code where it can do that (manual, section 7.1.3).
//
// Matching has a limit of steps, so that no pair of pattern and text can hold a worker. Beyond it the text is taken not to
// match, and the exchange's context is told that this was never found out (`RegularMatchObserver`): rules that refuse then refuse.
// A compiled expression is a pointer that all workers read; what a match writes belongs to the exchange.

internal import Basics
internal import CPCRE2
public import Configuration

/// A compiled expression within a table, which keeps it alive.
@safe
public struct RegularExpression: @unchecked Sendable {
    fileprivate let code: OpaquePointer

    /// What is wrong with a pattern, and at which of its bytes.
    public struct Fault: Error {
        public let text: String
        public let offset: Int
    }
}

/// Keeps one compiled expression alive.
@safe
final class RegularExpressionOwner: @unchecked Sendable {
    let expression: RegularExpression

    init(_ pattern: [UInt8], ignoringCase: Bool) throws(RegularExpression.Fault) {
        var error: Int32 = 0
        var offset = 0
        let options: UInt32 = ignoringCase ? PCRE2_CASELESS : 0
        guard let code = unsafe pcre2_compile_8(pattern, pattern.count, options, &error, &offset, nil) else {
            throw RegularExpression.Fault(text: Self.text(of: error), offset: min(offset, pattern.count))
        }
        // Where there is no JIT, the interpreter does the same more slowly.
        _ = unsafe pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
        expression = unsafe RegularExpression(code: code)
    }

    deinit { unsafe pcre2_code_free_8(expression.code) }

    private static func text(of error: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        let count = unsafe pcre2_get_error_message_8(error, &text, text.count)
        return String(decoding: text.prefix(max(0, Int(count))), as: UTF8.self)
    }
}

extension PatternTable {
    /// Compiles a pattern and keeps it; returns its index.
    public mutating func keep(
        regularExpression pattern: [UInt8], ignoringCase: Bool
    ) throws(RegularExpression.Fault) -> Int {
        let owner = try RegularExpressionOwner(pattern, ignoringCase: ignoringCase)
        regularExpressionOwners.append(owner)
        regularExpressions.append(owner.expression)
        return regularExpressions.count - 1
    }

    /// Compiles a word of a line.
    public mutating func keep(regularExpression word: Word, ignoringCase: Bool) throws(ConfigProblem) -> Int {
        do throws(RegularExpression.Fault) {
            return try keep(regularExpression: word.text.verbatimBytes, ignoringCase: ignoringCase)
        } catch {
            let text = ExpressionText(word)
            let end = min(error.offset + 1, text.bytes.count)
            throw text.problem("the regular expression does not compile: \(error.text)", at: error.offset..<end)
        }
    }
}

/// Learns of matches that come to no result.
public protocol RegularMatchObserver: AnyObject {
    func matchCameToNoResult()
}

/// The memory that a match writes to: where groups were found, and texts made of them. An exchange creates one for its first
/// match.
@safe
public final class RegularMatcher {
    /// The whole match and `\1` to `\9`.
    private static let groupsMax = 10
    /// The stack for the rare text that needs one of its own: enough for a whole head of any pattern's liking.
    private static let stackBytesMin = 64 << 10
    private static let stackBytesMax = 4 << 20
    /// What the interpreter may use of memory, in KiB.
    private static let heapKiBMax: UInt32 = 4_096

    private let match: OpaquePointer
    private let limits: OpaquePointer
    /// How many groups the last match has set. Places of others are left from earlier matches, in other texts.
    private var groups = 0
    /// The text that `substitute` or `expand` has made.
    public private(set) var output: [UInt8] = []
    private unowned let observer: any RegularMatchObserver

    /// - Parameters:
    ///   - observer: is told of matches that come to no result; outlives the matcher.
    ///   - stepsMax: the steps that one match may take.
    public init(for observer: any RegularMatchObserver, stepsMax: UInt32) {
        self.observer = observer
        guard let match = unsafe pcre2_match_data_create_8(UInt32(Self.groupsMax), nil),
            let limits = unsafe pcre2_match_context_create_8(nil)
        else { fatalError("no memory for matching a regular expression") }
        unsafe self.match = match
        unsafe self.limits = limits
        unsafe pcre2_set_match_limit_8(limits, stepsMax)
        unsafe pcre2_set_heap_limit_8(limits, Self.heapKiBMax)
    }

    deinit {
        unsafe pcre2_match_data_free_8(match)
        unsafe pcre2_match_context_free_8(limits)
    }

    /// Whether the expression is found in the text from `offset` on. Remembers where its groups are. False too where PCRE2
    /// gives up (the limit of steps, memory, bytes that are no UTF-8 under `(*UTF)`): the observer is told then.
    public func finds(_ expression: RegularExpression, in text: RawSpan, from offset: Int = 0) -> Bool {
        unsafe text.withUnsafeBytes { bytes in
            // An empty text may have no address; any will do then.
            let start = unsafe bytes.baseAddress ?? UnsafeRawPointer(expression.code)
            let units = unsafe start.assumingMemoryBound(to: UInt8.self)
            var result = unsafe pcre2_match_8(expression.code, units, bytes.count, offset, 0, match, limits)
            if result == PCRE2_ERROR_JIT_STACKLIMIT {
                // Machine code borrows little of the thread's stack; this text needs more.
                let stack = unsafe pcre2_jit_stack_create_8(Self.stackBytesMin, Self.stackBytesMax, nil)
                unsafe pcre2_jit_stack_assign_8(limits, nil, UnsafeMutableRawPointer(stack))
                result = unsafe pcre2_match_8(expression.code, units, bytes.count, offset, 0, match, limits)
                unsafe pcre2_jit_stack_assign_8(limits, nil, nil)
                unsafe pcre2_jit_stack_free_8(stack)
            }
            // Zero stands for a match with more groups than are kept.
            groups = result == 0 ? Self.groupsMax : max(0, Int(result))
            if result < 0, result != PCRE2_ERROR_NOMATCH { observer.matchCameToNoResult() }
            return result >= 0
        }
    }

    /// Gives back the memory of a text that was much longer than usual.
    public func shrink() { output.empty() }

    /// Where a group of the last match is; nil if the group took no part.
    private func range(of group: Int) -> Range<Int>? {
        guard group < groups, let places = unsafe pcre2_get_ovector_pointer_8(match) else { return nil }
        // Safe: there are two places for each of the groups kept.
        let (start, end) = unsafe (places[2 * group], places[2 * group + 1])
        // `\K` in a pattern can put the start behind the end.
        return start <= end && end != Int(bitPattern: ~0) ? start..<end : nil
    }

    /// Makes `template` of the last match in `text`, in `output`.
    public func expand(_ template: RawSpan, of text: RawSpan) {
        output.removeAll(keepingCapacity: true)
        appendExpansion(template, of: text)
    }

    /// Makes the text with its matches replaced in `output`: the first one, or all. False if there is none. What grows beyond
    /// `bytesMax` is not made to its end.
    public func substitute(
        _ expression: RegularExpression, in text: RawSpan, by template: RawSpan, everywhere: Bool, upTo bytesMax: Int
    ) -> Bool {
        output.removeAll(keepingCapacity: true)
        guard finds(expression, in: text) else { return false }
        var done = 0
        repeat {
            guard let match = range(of: 0), match.lowerBound >= done else { break }
            output.append(text.extracting(done..<match.lowerBound))
            appendExpansion(template, of: text)
            done = match.upperBound
            guard done < text.byteCount else { break }
            if match.isEmpty {
                output.append(text[done])
                done += 1
            }
        } while everywhere && output.count <= bytesMax && finds(expression, in: text, from: done)
        output.append(text.extracting(done..<text.byteCount))
        return true
    }

    /// `\0` to `\9` are groups, `\xHH` is a byte, a backslash before anything else guards it.
    private func appendExpansion(_ template: RawSpan, of text: RawSpan) {
        var i = 0
        while i < template.byteCount {
            let byte = template[i]
            i += 1
            guard byte == 0x5C, i < template.byteCount else {
                output.append(byte)
                continue
            }
            let next = template[i]
            i += 1
            if next &- 0x30 < 10 {
                if let range = range(of: Int(next &- 0x30)) { output.append(text.extracting(range)) }
            } else if next == 0x78, i + 1 < template.byteCount, let high = Self.hexadecimal(template[i]),
                let low = Self.hexadecimal(template[i + 1])
            {
                output.append(high << 4 | low)
                i += 2
            } else {
                output.append(next)
            }
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte &- 0x30
        case 0x41...0x46: byte &- 0x37
        case 0x61...0x66: byte &- 0x57
        default: nil
        }
    }
}

public struct RegularPatterns: Sendable {
    /// A stretch of the table's regular expressions.
    private let expressions: TableSlice

    public init(_ words: [Word], ignoringCase: Bool, _ table: inout PatternTable) throws(ConfigProblem) {
        let start = table.regularExpressions.count
        for word in words { _ = try table.keep(regularExpression: word, ignoringCase: ignoringCase) }
        expressions = TableSlice(start..<table.regularExpressions.count)
    }

    public func matches(_ value: RawSpan, _ matcher: RegularMatcher, _ program: PatternProgram) -> Bool {
        for i in expressions.range where matcher.finds(program.patterns.regularExpressions[i], in: value) {
            return true
        }
        return false
    }
}
