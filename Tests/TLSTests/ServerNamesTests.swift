// Which certificate is chosen for a name, and what of a client's hello decides it.

import Testing

@testable import TLS

@Suite struct ServerNamesTests {
    private let both = ClientAbilities(rsa: true, ecdsa: true)
    private let old = ClientAbilities(rsa: true)

    /// Entries by the filters of a crt-list, each with the kind of its key.
    private func table(_ lines: (String, KeyKind, String)...) -> ServerNames<String> {
        var table = ServerNames<String>()
        for (entry, kind, filters) in lines {
            table.add(entry, kind, for: filters.split(separator: " ").compactMap { ServerName(String($0)) })
        }
        return table
    }

    @Test func `A name is found whole, and by the wildcard for one label`() {
        let names = table(("site", .rsa, "www.example.com"), ("all", .rsa, "*.example.com"))
        #expect(names.entry(for: "www.example.com", both) == "site")
        #expect(names.entry(for: "a.example.com", both) == "all")
        #expect(names.entry(for: "a.b.example.com", both) == nil)
        #expect(names.entry(for: "example.com", both) == nil)
        #expect(names.entry(for: "", both) == nil)
    }

    @Test func `Filters are compared without regard to case`() {
        let names = table(("site", .rsa, "WWW.Example.COM *.Example.org"))
        #expect(names.entry(for: "www.example.com", both) == "site")
        #expect(names.entry(for: "x.example.org", both) == "site")
    }

    @Test func `An excluded name is not one of its own line's wildcard, and is of another's`() {
        let names = table(("one", .rsa, "*.example.com !old.example.com"), ("two", .rsa, "*.example.com"))
        #expect(names.entry(for: "new.example.com", both) == "one")
        #expect(names.entry(for: "old.example.com", both) == "two")
        let alone = table(("one", .rsa, "*.example.com !old.example.com"))
        #expect(alone.entry(for: "old.example.com", both) == nil)
    }

    @Test func `An exclamation mark before a wildcard means nothing`() {
        #expect(table(("one", .rsa, "!*.example.com")).entry(for: "a.example.com", both) == "one")
    }

    @Test func `ECDSA goes to clients that can check it, RSA to the others`() {
        let names = table(("rsa", .rsa, "a.example"), ("ecdsa", .ecdsa, "a.example"))
        #expect(names.entry(for: "a.example", both) == "ecdsa")
        #expect(names.entry(for: "a.example", old) == "rsa")
        #expect(names.entry(for: "a.example", ClientAbilities()) == "ecdsa")
    }

    @Test func `Of one kind the whole name comes before the wildcard, and the first line before the second`() {
        let names = table(("wild", .rsa, "*.example"), ("first", .rsa, "a.example"), ("second", .rsa, "a.example"))
        #expect(names.entry(for: "a.example", both) == "first")
    }

    @Test func `A lone asterisk is for all others`() {
        let names = table(("site", .rsa, "a.example"), ("rest", .rsa, "*"), ("rest", .ecdsa, "*"))
        #expect(names.entry(for: "b.example", both) == nil)
        #expect(names.defaultEntry(both) == "rest")
        #expect(table(("site", .rsa, "a.example")).defaultEntry(both) == nil)
    }

    // MARK: The hello

    private func extensionBytes(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        return [0, UInt8(bytes.count + 3), 0, 0, UInt8(bytes.count)] + bytes
    }

    @Test func `The name in a hello is read in lower case`() {
        #expect(HelloChoice.hostName(extensionBytes("WWW.example.com")) == "www.example.com")
    }

    @Test func `A malformed name is none, wherever it is cut`() {
        let whole = extensionBytes("www.example.com")
        for count in 0..<whole.count { #expect(HelloChoice.hostName(Array(whole[..<count])) == nil) }
        #expect(HelloChoice.hostName(extensionBytes("a\0b")) == nil)
        #expect(HelloChoice.hostName([0, 3, 0, 0, 0]) == nil)
        #expect(HelloChoice.hostName([0, 4, 1, 0, 1, 97]) == nil)
    }

    @Test func `Signatures are told apart by their kind of key`() {
        #expect(HelloChoice.abilities([0, 2, 4, 1]) == ClientAbilities(rsa: true))
        #expect(HelloChoice.abilities([0, 2, 8, 4]) == ClientAbilities(rsa: true))
        #expect(HelloChoice.abilities([0, 4, 4, 3, 8, 7]) == ClientAbilities(ecdsa: true))
        #expect(HelloChoice.abilities([0, 4, 6, 1, 4, 3]) == both)
        #expect(HelloChoice.abilities([0, 0]) == ClientAbilities())
        #expect(HelloChoice.abilities([0]) == nil)
        #expect(HelloChoice.abilities([0, 3, 4, 1, 4]) == nil)
        #expect(HelloChoice.abilities([0, 4, 4, 1]) == nil)
    }
}
