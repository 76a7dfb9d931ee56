// The messages with which one process gets another's listening sockets: whole, in pieces, and from a peer that sends rubbish.

import Basics
import Glibc
import SystemPackage
import Testing

@testable import Reactor

@Suite struct ListenerRequestTests {
    /// Both ends of a connection, and a pipe whose writing end plays the listening sockets: it is closed once every copy is.
    private final class Peer {
        let own: Socket
        let other: Socket
        let reading: Int32
        let writing: Int32
        private var isOpen = true

        init() throws {
            var ends: [Int32] = [-1, -1]
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let isPaired = unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0
            own = Socket(ends[0])
            other = Socket(ends[1])
            let isPiped = unsafe Glibc.pipe(&ends) == 0
            reading = ends[0]
            writing = ends[1]
            try #require(isPaired && isPiped)
        }

        deinit {
            close()
            Glibc.close(reading)
        }

        func close() {
            if isOpen { Glibc.close(own.number) }
            isOpen = false
        }

        func send(_ bytes: [UInt8], descriptors count: Int = 0) {
            let sockets = [Socket](repeating: Socket(writing), count: count)
            #expect(DescriptorPassing.send(bytes, sockets, over: own) == .bytes(bytes.count))
        }

        /// Asks for the sockets; the answers are there already.
        func answer() throws(HandoverFault) -> [HandedSocket] {
            try ListenerRequest.sockets(over: other, patience: .milliseconds(50))
        }

        /// Whether no copy of the descriptor is left in this process. Once only.
        func allAreClosed() -> Bool {
            // Those that were never received are closed with the connection.
            close()
            Glibc.close(writing)
            _ = fcntl(reading, F_SETFL, O_NONBLOCK)
            var byte: UInt8 = 0
            return unsafe read(reading, &byte, 1) == 0
        }
    }

    private func entries(_ count: Int) -> [UInt8] {
        ListenerMessages.entries(of: [HandedSocket](repeating: HandedSocket(Socket(0)), count: count)[...])
    }

    @Test func `an entry is the names behind their lengths, and four zero bytes`() {
        let one = HandedSocket(Socket(0), namespace: "blue", interface: "lo")
        let bytes: [UInt8] = [4] + Array("blue".utf8) + [2] + Array("lo".utf8) + [0, 0, 0, 0]
        #expect(ListenerMessages.entries(of: [one][...]) == bytes)
        #expect(entries(1) == [0, 0, 0, 0, 0, 0])
        #expect(ListenerMessages.isTransferable(one))
        let long = String(repeating: "x", count: 256)
        #expect(!ListenerMessages.isTransferable(HandedSocket(Socket(0), namespace: long)))
        #expect(ListenerMessages.word(258).count == 4)
    }

    @Test func `every prefix of entries has those that are whole`() {
        let two = [HandedSocket(Socket(0), namespace: "blue"), HandedSocket(Socket(1), interface: "lo")]
        let bytes = ListenerMessages.entries(of: two[...])
        let first = ListenerMessages.entries(of: two[..<1]).count
        for length in 0...bytes.count {
            let parsed = ListenerMessages.parse(Array(bytes.prefix(length)))
            let whole = length == bytes.count ? 2 : length >= first ? 1 : 0
            #expect(parsed.names.count == whole, "\(length) bytes")
            #expect(parsed.count == [0, first, bytes.count][whole])
        }
        #expect(ListenerMessages.parse(bytes).names.map { $0.interface } == ["", "lo"])
    }

    @Test func `sockets of several messages arrive in their order, and each message is acknowledged`() throws {
        let peer = try Peer()
        peer.send(ListenerMessages.word(254))
        peer.send(entries(252), descriptors: 252)
        let last = [HandedSocket(Socket(0), namespace: "blue"), HandedSocket(Socket(0), interface: "lo")]
        peer.send(ListenerMessages.entries(of: last[...]), descriptors: 2)

        let sockets = try peer.answer()

        #expect(sockets.count == 254 && Set(sockets.map(\.socket)).count == 254)
        let names = sockets.suffix(2)
        #expect(names.map(\.namespace) == ["blue", ""] && names.map(\.interface) == ["", "lo"])
        #expect(sockets.allSatisfy { fcntl($0.socket.number, F_GETFD) & FD_CLOEXEC != 0 })
        for handed in sockets { ListeningSocket.close(handed.socket) }
        let said = DescriptorPassing.receive(atMost: 100, descriptors: 0, over: peer.own)
        #expect(said.bytes == Array("_getsocks\n".utf8) + ListenerMessages.word(252) + ListenerMessages.word(254))
        #expect(peer.allAreClosed())
    }

    @Test func `a message in pieces is put together, and acknowledged once`() throws {
        let peer = try Peer()
        let one = HandedSocket(Socket(0), namespace: "blue", interface: "lo")
        let bytes = ListenerMessages.entries(of: [one][...])
        peer.send(Array(ListenerMessages.word(1).prefix(1)))
        peer.send(Array(ListenerMessages.word(1).dropFirst()))
        peer.send(Array(bytes.prefix(3)), descriptors: 1)
        for byte in bytes.dropFirst(3) { peer.send([byte]) }
        let sockets = try peer.answer()
        #expect(sockets.map(\.namespace) == ["blue"] && sockets.map(\.interface) == ["lo"])
        for handed in sockets { ListeningSocket.close(handed.socket) }
        let said = DescriptorPassing.receive(atMost: 100, descriptors: 0, over: peer.own)
        #expect(said.bytes.count == "_getsocks\n".utf8.count + 4)
    }

    @Test func `none at all is an answer too`() throws {
        let peer = try Peer()
        peer.send(ListenerMessages.word(0))
        #expect(try peer.answer().isEmpty)
    }

    @Test func `a peer that closes without a word has refused`() throws {
        let peer = try Peer()
        peer.close()
        #expect(throws: HandoverFault.refused) { try peer.answer() }
    }

    @Test func `a peer that closes without waiting for the acknowledgement has sent its sockets all the same`() throws {
        let peer = try Peer()
        peer.send(ListenerMessages.word(2))
        peer.send(entries(2), descriptors: 2)
        peer.close()
        let sockets = try peer.answer()
        #expect(sockets.count == 2)
        for handed in sockets { ListeningSocket.close(handed.socket) }
        #expect(peer.allAreClosed())
    }

    @Test func `a peer that shuts its side without a word has refused`() throws {
        let peer = try Peer()
        shutdown(peer.own.number, Int32(SHUT_WR))
        #expect(throws: HandoverFault.refused) { try peer.answer() }
    }

    @Test(arguments: ["", "2", "2 message", "2 half"]) func `silence ends at the deadline`(_ said: String) throws {
        let peer = try Peer()
        if said != "" { peer.send(ListenerMessages.word(2)) }
        if said == "2 message" { peer.send(entries(1), descriptors: 1) }
        if said == "2 half" { peer.send([200, 1, 2], descriptors: 2) }
        let start = Instant.now()
        #expect(throws: HandoverFault.silent) { try peer.answer() }
        #expect(Instant.now().since(start) >= .milliseconds(50))
        #expect(peer.allAreClosed())
    }

    @Test(arguments: [
        "a text", "a negative number", "half a number", "too many sockets", "more names than sockets", "the end",
        "endless names",
    ]) func `rubbish is refused, and what came with it closed`(_ kind: String) throws {
        let peer = try Peer()
        switch kind {
        case "a text": peer.send(Array("Unknown command.\n".utf8), descriptors: 1)
        case "a negative number": peer.send(ListenerMessages.word(-1))
        case "half a number":
            peer.send([1, 0])
            shutdown(peer.own.number, Int32(SHUT_WR))
        default:
            peer.send(ListenerMessages.word(2))
            switch kind {
            case "too many sockets": peer.send(entries(3), descriptors: 3)
            case "more names than sockets": peer.send(entries(2), descriptors: 1)
            case "endless names": peer.send([UInt8](repeating: 255, count: 1_100), descriptors: 2)
            default:
                peer.send(entries(1), descriptors: 1)
                shutdown(peer.own.number, Int32(SHUT_WR))
            }
        }
        let fault = #expect(throws: HandoverFault.self) { try peer.answer() }
        guard case .malformed? = fault else {
            Issue.record("\(kind): \(String(describing: fault))")
            return
        }
        #expect(peer.allAreClosed())
    }

    @Test func `where no process listens, the reason is the system's`() throws {
        let folder = try Folder()
        #expect(throws: HandoverFault.unreachable(.noSuchFileOrDirectory)) {
            try ListenerRequest.sockets(ofProcessAt: folder.path + "/none")
        }
        #expect(throws: HandoverFault.unreachable(.fileNameTooLong)) {
            try ListenerRequest.sockets(ofProcessAt: "/" + String(repeating: "x", count: 107))
        }
    }
}
