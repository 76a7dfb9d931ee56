// The variables of one scope. The file fixes the set of names, so a store has few entries and keeps its capacity: setting a
// variable again in the next exchange does not allocate.

internal import Basics

/// The variables of one scope of one connection or exchange.
public final class VariableStore {
    fileprivate struct Entry: Sendable {
        let key: UInt64
        var value: Value
    }

    fileprivate enum Value: Sendable {
        case bool(Bool)
        case integer(Int)
        case address(IPAddress)
        /// A stretch of `bytes`.
        case string(start: Int, count: Int)
    }

    @safe @exclusivity(unchecked) fileprivate var entries: [Entry] = []
    /// The texts, one behind the other; those that were replaced by longer ones are left behind.
    @safe @exclusivity(unchecked) fileprivate var bytes: [UInt8] = []
    /// Bytes of `bytes` that no variable refers to any more.
    @safe @exclusivity(unchecked) private var wasted = 0

    public init() {}

    /// One text is no longer than this: longer than any head, and bounded.
    static let textBytesMax = 64 << 10
    /// Texts left behind are swept up beyond this.
    private static let wastedMax = 4 << 10

    /// Forgets all and keeps the memory.
    func clear() {
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        wasted = 0
    }

    fileprivate func unset(_ key: UInt64) {
        guard let i = entries.firstIndex(where: { $0.key == key }) else { return }
        abandon(entries[i].value)
        entries.remove(at: i)
    }

    fileprivate func set(_ key: UInt64, _ value: Value) {
        if let i = entries.firstIndex(where: { $0.key == key }) {
            abandon(entries[i].value)
            entries[i].value = value
        } else {
            entries.append(Entry(key: key, value: value))
        }
    }

    fileprivate func set(_ key: UInt64, text: RawSpan) {
        guard text.byteCount <= Self.textBytesMax else { return }
        if wasted > Self.wastedMax { sweep() }
        let start = bytes.count
        bytes.append(text)
        set(key, .string(start: start, count: text.byteCount))
    }

    private func abandon(_ value: Value) {
        if case .string(_, let count) = value { wasted += count }
    }

    private func sweep() {
        var kept: [UInt8] = []
        for i in entries.indices {
            guard case .string(let start, let count) = entries[i].value else { continue }
            let moved = kept.count
            kept += bytes[start..<start + count]
            entries[i].value = .string(start: moved, count: count)
        }
        bytes = kept
        wasted = 0
    }
}

/// Where `sess` variables live: as long as the client's connection.
public protocol SessionVariables: AnyObject {
    /// Nil until one is set.
    var sessionVariables: VariableStore? { get set }
}

/// `proc` variables: shared by all workers, changed and read under a lock.
public final class ProcessVariables: Sendable {
    fileprivate enum Value: Sendable {
        case plain(VariableStore.Value)
        case text([UInt8])
    }

    fileprivate let values = Lock<[UInt64: Value]>([:])

    public init() {}
}

/// The scopes that end with the exchange. Made when they are first written to; their memory stays.
struct ExchangeVariables {
    fileprivate var transaction: VariableStore?
    fileprivate var request: VariableStore?
    fileprivate var response: VariableStore?
    fileprivate var check: VariableStore?

    func clear() {
        transaction?.clear()
        request?.clear()
        response?.clear()
        check?.clear()
    }
}

extension ExchangeContext {
    /// What the variable holds; nil if it is not set. Texts are put into the scratch.
    public func variable(_ name: VariableName) -> SampleValue? {
        if name.scope == .process { return processVariable(name.key) }
        guard let store = store(name.scope), let entry = store.entries.first(where: { $0.key == name.key }) else {
            return nil
        }
        switch entry.value {
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .address(let value): return .address(value)
        case .string(let start, let count):
            return .string(make { $0 += store.bytes[start..<start + count] })
        }
    }

    /// Sets the variable. A text beyond `VariableStore.textBytesMax` is not taken.
    public func set(_ name: VariableName, _ value: SampleValue) {
        let plain: VariableStore.Value
        switch value {
        case .bool(let value): plain = .bool(value)
        case .integer(let value): plain = .integer(value)
        case .address(let value): plain = .address(value)
        case .string(let bytes):
            if name.scope == .process { return setProcess(name.key, text: bytes) }
            let store = makeStore(name.scope)
            withBytes(bytes) { store.set(name.key, text: $0) }
            return
        }
        if name.scope == .process {
            processVariables?.values.withLock { $0[name.key] = .plain(plain) }
        } else {
            makeStore(name.scope).set(name.key, plain)
        }
    }

    public func unset(_ name: VariableName) {
        if name.scope == .process {
            processVariables?.values.withLock { _ = $0.removeValue(forKey: name.key) }
        } else {
            store(name.scope)?.unset(name.key)
        }
    }

    private func store(_ scope: VariableScope) -> VariableStore? {
        switch scope {
        case .process: nil
        case .session: session?.sessionVariables
        case .transaction: variables.transaction
        case .request: variables.request
        case .response: variables.response
        case .check: variables.check
        }
    }

    private func makeStore(_ scope: VariableScope) -> VariableStore {
        if let existing = store(scope) { return existing }
        let store = VariableStore()
        switch scope {
        case .process: preconditionFailure("the process's variables are not the exchange's")
        case .session: session?.sessionVariables = store
        case .transaction: variables.transaction = store
        case .request: variables.request = store
        case .response: variables.response = store
        case .check: variables.check = store
        }
        return store
    }

    private func processVariable(_ key: UInt64) -> SampleValue? {
        guard let found = processVariables?.values.withLock({ $0[key] }) else { return nil }
        switch found {
        case .plain(.bool(let value)): return .bool(value)
        case .plain(.integer(let value)): return .integer(value)
        case .plain(.address(let value)): return .address(value)
        case .plain(.string): preconditionFailure("a process's text is no stretch of a store")
        case .text(let text): return .string(make { $0 += text })
        }
    }

    private func setProcess(_ key: UInt64, text: SampleBytes) {
        guard text.count <= VariableStore.textBytesMax else { return }
        var copy: [UInt8] = []
        withBytes(text) { copy.append($0) }
        processVariables?.values.withLock { $0[key] = .text(copy) }
    }
}
