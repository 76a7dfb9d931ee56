// The keys that session tickets are encrypted with, one set for all threads: from a file, so that several machines or processes
// understand one another's tickets, or made by chance and renewed by themselves.

internal import Basics
internal import COpenSSL
internal import Configuration
internal import Synchronization

/// One key: its name in tickets, and what encrypts and authenticates them.
struct TicketKey: Sendable {
    static let nameBytes = 16
    let name: [UInt8]
    let cipher: SecretBytes
    let digest: SecretBytes

    /// Reads 48 bytes (AES-128) or 80 (AES-256); nil for any other number.
    ///
    /// In HAProxy's order: the longer form has the authenticating part before the encrypting one.
    init?(_ bytes: [UInt8]) {
        switch bytes.count {
        case 48:
            name = Array(bytes[..<16])
            cipher = SecretBytes(Array(bytes[16..<32]))
            digest = SecretBytes(Array(bytes[32...]))
        case 80:
            name = Array(bytes[..<16])
            digest = SecretBytes(Array(bytes[16..<48]))
            cipher = SecretBytes(Array(bytes[48...]))
        default: return nil
        }
    }

    func hasLength(of other: TicketKey) -> Bool { cipher.bytes.count == other.cipher.bytes.count }

    /// A key made by chance.
    static func random() -> TicketKey {
        var bytes = [UInt8](repeating: 0, count: 80)
        let isDone = unsafe RAND_bytes(&bytes, 80) == 1
        guard isDone, let key = TicketKey(bytes) else { preconditionFailure("OpenSSL has no random numbers") }
        SecretBytes.wipe(&bytes)
        return key
    }
}

/// The keys of a listener. Thread-safe.
public final class TicketKeys: Sendable {
    /// As many as HAProxy keeps: one for the future, the current one, one for tickets that are still about.
    static let kept = 3

    private struct State {
        /// The newest last. The last but one encrypts, where there are several from a file.
        var keys: [TicketKey]
        var nextRotation: Instant
    }

    private let state: Lock<State>
    /// How long a random key encrypts; nil for keys of a file.
    let period: TimeSpan?
    /// The file they are from.
    public let path: String?
    /// What the file was when it was read.
    private let signature: FileSignature?

    /// Random keys. A key encrypts for one period and decrypts for two.
    init(period: TimeSpan, now: Instant) {
        self.period = period
        path = nil
        signature = nil
        state = Lock(State(keys: [.random()], nextRotation: now + period))
    }

    /// The keys of a file, one a line in base64. Of more than three, the last three count.
    init(file word: Word) throws(ConfigProblem) {
        signature = FileSignature([word.place(of: word.text)])
        let contents: SecretBytes
        do throws(FileRefusal) {
            contents = try SecretFile.read(word.place(of: word.text))
        } catch {
            throw ConfigProblem("'\(word.text)': \(error.text)", at: word.range)
        }
        let keys = try Self.keys(in: contents, word)
        guard keys.count >= Self.kept else {
            throw ConfigProblem(
                "'\(word.text)': \(keys.count) keys", at: word.range,
                expected: "at least \(Self.kept): the last but one encrypts, all decrypt")
        }
        period = nil
        path = word.text
        state = Lock(State(keys: keys.suffix(Self.kept), nextRotation: .never))
    }

    /// Whether they are from this file, and it is what it was when it was read.
    func isUnchanged(_ file: Word) -> Bool {
        path == file.text && signature == FileSignature([file.place(of: file.text)])
    }

    private static func keys(in contents: SecretBytes, _ word: Word) throws(ConfigProblem) -> [TicketKey] {
        // What lines share with it is overwritten with it, when no line is left.
        defer { withExtendedLifetime(contents) {} }
        var keys: [TicketKey] = []
        for (index, line) in contents.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let text = SecretBytes(line.filter { $0 != 0x0D && $0 != 0x20 && $0 != 0x09 })
            guard !text.bytes.isEmpty else { continue }
            guard let bytes = decoded(text.bytes).map(SecretBytes.init), let key = TicketKey(bytes.bytes) else {
                throw ConfigProblem(
                    "'\(word.text)', line \(index + 1): not a key of 48 or 80 bytes in base64", at: word.range,
                    expected: "like the output of 'openssl rand -base64 80 | tr -d \"\\n\"'")
            }
            guard keys.first?.hasLength(of: key) ?? true else {
                throw ConfigProblem(
                    "'\(word.text)', line \(index + 1): its length differs from that of the keys above", at: word.range)
            }
            keys.append(key)
        }
        return keys
    }

    static func decoded(_ text: [UInt8]) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: text.count)
        guard text.count % 4 == 0 else { return nil }
        let count = unsafe EVP_DecodeBlock(&out, text, Int32(text.count))
        guard count >= 0 else { return nil }
        // OpenSSL counts the padding as bytes.
        let padding = text.suffix(2).count { $0 == 0x3D }
        out.removeLast(out.count - (Int(count) - padding))
        return out
    }

    // MARK: Use

    /// The key that encrypts now.
    func current(at now: Instant) -> TicketKey {
        state.withLock { state in
            rotateIfDue(&state, now)
            return period == nil ? state.keys[state.keys.count - 2] : state.keys[state.keys.count - 1]
        }
    }

    /// The key of this name, and whether it still encrypts; nil: a ticket of another machine, or one that is too old.
    func key(named name: [UInt8], at now: Instant) -> (key: TicketKey, isCurrent: Bool)? {
        state.withLock { state in
            rotateIfDue(&state, now)
            guard let index = state.keys.lastIndex(where: { $0.name == name }) else { return nil }
            let current = period == nil ? state.keys.count - 2 : state.keys.count - 1
            return (state.keys[index], index == current)
        }
    }

    /// Adds a key as the newest, and forgets the oldest: the one that was the newest encrypts from now on.
    /// - Returns: false if the bytes are not a key of the same length as the others.
    func rotate(to bytes: [UInt8]) -> Bool {
        guard period == nil, let key = TicketKey(bytes) else { return false }
        return state.withLock { state in
            guard state.keys[0].hasLength(of: key) else { return false }
            state.keys = Array(state.keys.dropFirst()) + [key]
            return true
        }
    }

    /// The same with a key in base64, as commands give it.
    public func rotate(toEncoded text: String) -> Bool {
        guard var bytes = Self.decoded(Array(text.utf8)) else { return false }
        defer { SecretBytes.wipe(&bytes) }
        return rotate(to: bytes)
    }

    /// The keys in base64, the oldest first, for the command that shows them.
    public var encodedKeys: [String] {
        state.withLock { $0.keys }.map { key in
            let (cipher, digest) = (key.cipher.bytes, key.digest.bytes)
            let bytes = key.name + (cipher.count == 32 ? digest + cipher : cipher + digest)
            return String(decoding: bytes.inBase64, as: UTF8.self)
        }
    }

    private func rotateIfDue(_ state: inout State, _ now: Instant) {
        guard let period, now >= state.nextRotation else { return }
        // After a long silence the old key is older than any ticket may be.
        let isLate = now >= state.nextRotation + period
        state.keys = (isLate ? [] : state.keys.suffix(1)) + [.random()]
        state.nextRotation = now + period
    }
}
