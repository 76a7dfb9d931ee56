// The snapshot as CSV, JSON and typed output, with HAProxy's columns from one table.

import Basics
import Foundation
import HTTP
import Testing

@testable import Admin

@Suite struct TablesTests {
    /// The header line of HAProxy 2.6.
    private static let header = """
        # pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,\
        act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,\
        check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,\
        req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,\
        qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,\
        check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,\
        intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,\
        rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,agg_server_status,\
        agg_server_check_status,agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd,\
        h2_data_rcvd,h2_settings_rcvd,h2_rst_stream_rcvd,h2_goaway_rcvd,h2_detected_conn_protocol_errors,\
        h2_detected_strm_protocol_errors,h2_rst_stream_resp,h2_goaway_resp,h2_open_connections,h2_backend_open_streams,\
        h2_total_connections,h2_backend_total_streams,h1_open_connections,h1_open_streams,h1_total_connections,\
        h1_total_streams,h1_bytes_in,h1_bytes_out,h1_spliced_bytes_in,h1_spliced_bytes_out,
        """

    private func csv(_ target: String = "/;csv", _ settings: StatsPageSettings = openPage()) -> [Substring] {
        (answer(target, settings)?.text ?? "").split(separator: "\n")
    }

    /// A row's values by column name.
    private func row(_ proxy: String, _ server: String, _ settings: StatsPageSettings = openPage()) -> [String: String]
    {
        let lines = csv("/;csv", settings)
        let names = lines[0].dropFirst(2).split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let line = lines.first(where: { $0.hasPrefix("\(proxy),\(server),") }) else { return [:] }
        let values = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return Dictionary(zip(names, values)) { first, _ in first }
    }

    @Test func theHeaderIsHAProxys() {
        #expect(csv().first.map(String.init) == Self.header)
    }

    @Test func everyRowHasEveryColumn() {
        let commas = Self.header.filter { $0 == "," }.count
        let lines = csv()
        #expect(lines.count == 1 + 1 + 9 + 1 + 2)
        for line in lines { #expect(line.filter { $0 == "," }.count == commas, "\(line)") }
    }

    @Test func aFrontendAsHAProxyPrintsIt() {
        #expect(
            csv()[1] == """
                www,FRONTEND,,,311,2044,20000,1204000,21474000000,868923000000,12,0,87,,,,,OPEN,,,,,,,,,1,2,0,,,,\
                0,40,0,530,,,,0,45000000,2100000,1019000,900,0,,1870,9117,48119900,,,,,,,,,,,,,,,,,,\
                ,,,,,,,,,http,,40,530,\
                1204000,12,0,0,0,,,,,,,,,,,0,,,,,,,,,-,0,0,0,701,702,703,704,705,706,707,708,709,710,711,712,713,,,,,,,,,
                """)
    }

    @Test func aServerAsHAProxyPrintsIt() {
        #expect(
            csv()[4] == """
                app,flask3,0,0,0,60,,1300000,1200000000,17000000000,,0,,17,0,14,3,DOWN,0,1,0,3,2,252,352,,1,3,3,,0,,2,\
                0,,200,L4CON,,0,0,1200000,30000,30000,40,0,,,,0,0,0,,,,,1,Connection refused,,0,0,0,0,,,,\
                Layer4 connection problem,,2,3,0,,,,127.0.0.1:8003,c3,http,,,,,,,,0,0,0,,,0,,0,0,0,0,0,0,0,0,,100,,,,-,\
                0,0,0,,,,,,,,,,,,,,,,,,,,,,
                """)
    }

    @Test func eachKindOfRowHasItsOwnValues() {
        let backend = row("app", "BACKEND")
        #expect(backend["type"] == "1")
        #expect(backend["algo"] == "roundrobin")
        #expect(backend["act"] == "4")
        #expect(backend["status"] == "UP")
        let frontend = row("www", "FRONTEND")
        #expect(frontend["weight"] == "")
        #expect(frontend["lastchg"] == "")
    }

    @Test func statesAreHAProxysWords() {
        let states = (1...8).map { row("app", $0 == 8 ? "spare" : "flask\($0)")["status"] }
        #expect(states == ["UP", "UP 1/3", "DOWN", "DOWN 1/2", "MAINT", "DRAIN", "no check", "UP"])
    }

    @Test func aServerThatIsNotCheckedSaysNothingOfChecks() {
        for server in ["flask5", "flask7"] { #expect(row("app", server)["check_status"] == "", "\(server)") }
        #expect(row("app", "flask7")["chkdown"] == "")
    }

    @Test func addressesAreShownWithLegendsOnly() {
        let hidden = openPage { $0.showsLegends = false }
        #expect(row("app", "flask1", hidden)["addr"] == "")
        #expect(row("app", "flask1", hidden)["cookie"] == "")
        #expect(row("app", "BACKEND", hidden)["algo"] == "")
        #expect(row("app", "flask1")["addr"] == "127.0.0.1:8001")
    }

    @Test func aValueWithACommaIsQuoted() {
        var snapshot = Sample.snapshot()
        snapshot.proxies[1].servers[2].check?.detail = "said \"no\", twice\nand more"
        let text = answer("/;csv", openPage(), snapshot: snapshot)?.text ?? ""
        #expect(text.contains(",\"said \"\"no\"\", twice\nand more\","))
    }

    @Test func everyMetricIsInCSVAndDescribedAndTaggedOnce() {
        let names = StatMetrics.table.map { "\($0.name)" }
        #expect(Set(names).count == names.count)
        let columns = Self.header.dropFirst(2).split(separator: ",").map(String.init).filter { $0 != "-" }
        #expect(names == columns)
        for metric in StatMetrics.table { #expect("\(metric.help)".hasSuffix("."), "\(metric.name)") }
    }

    @Test func everyMetricWithAValueIsInJSONAndInTypedText() throws {
        let snapshot = Sample.snapshot()
        let json = try #require(answer("/;json", openPage()))
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.body)) as? [[[String: Any]]])
        let typed = Set(socket("show stat typed").split(separator: "\n").map { $0.split(separator: ":")[0] })
        let described = socket("show stat typed desc")
        var index = 0
        var cursor = RowCursor()
        while let (proxy, row) = cursor.next(in: snapshot, RowFilter(), at: Instant(nanoseconds: 0)) {
            let subject = StatSubject(process: snapshot.process, proxy: proxy, row: row, showsLegends: true)
            let fields = rows[index]
            index += 1
            let byName = Dictionary(
                uniqueKeysWithValues: fields.compactMap { field -> (String, [String: Any])? in
                    ((field["field"] as? [String: Any])?["name"] as? String).map { ($0, field) }
                })
            for (position, metric) in StatMetrics.table.enumerated() {
                let name = "\(metric.name)"
                let value = metric.value(subject)
                #expect((byName[name] == nil) == value.isNone, "\(name)")
                if value.isNone { continue }
                let letter = subject.row.kind == .frontend ? "F" : subject.row.kind == .backend ? "B" : "S"
                let key = "\(letter).\(subject.proxy.id).\(subject.row.id).\(position).\(name).1"
                #expect(typed.contains(key[...]), "\(key)")
                #expect(described.contains(":\"\(metric.help)\"\n"), "\(name)")
            }
        }
        #expect(index == rows.count)
    }

    @Test func jsonIsHAProxys() throws {
        let text = try #require(answer("/;json", openPage())).text
        #expect(
            text.hasPrefix(
                """
                [[{"objType":"Frontend","proxyId":2,"id":0,"field":{"pos":0,"name":"pxname"},"processNum":1,\
                "tags":{"origin":"Key","nature":"Name","scope":"Service"},"value":{"type":"str","value":"www"}},
                """.dropLast(0)))
        #expect(text.hasSuffix("}}]]\n"))
    }

    @Test func namesCannotBreakJSON() throws {
        var snapshot = Sample.snapshot()
        let name = "a\"b\\c\u{1}\u{1F}\t\r\n\u{7F}é</script>"
        snapshot.proxies[0].name = name
        let body = try #require(answer("/;json", openPage(), snapshot: snapshot)).body
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [[[String: Any]]])
        #expect((rows[0][0]["value"] as? [String: Any])?["value"] as? String == name)
    }

    @Test func aPeersTextStaysOnItsLine() {
        var snapshot = Sample.snapshot()
        snapshot.proxies[1].servers[2].check?.detail = "evil\nS.9.9.0.pxname.1:KNS:str:fake"
        let typed = answer("/;typed", openPage(), snapshot: snapshot)?.text ?? ""
        #expect(!typed.contains("\nS.9.9"))
    }

    @Test func extremeNumbersArePrinted() {
        var snapshot = Sample.snapshot()
        snapshot.proxies[0].frontend?.bytesIn = .max
        snapshot.proxies[0].frontend?.bytesOut = .max
        snapshot.proxies[1].servers[0].stateAge = .forever
        snapshot.proxies[1].servers[0].sessionsCurrent = .max
        snapshot.proxies[1].servers[1].sessionsCurrent = 1 << 40
        snapshot.proxies[1].servers[0].responses.success = .max
        snapshot.proxies[1].servers[0].responses.other = 2
        snapshot.process.uptime = .forever
        for target in ["/", "/;csv", "/;json", "/;typed"] {
            let text = answer(target, openPage(), snapshot: snapshot)?.text ?? ""
            #expect(text.contains(target == "/" ? "15 EiB" : "18446744073709551615"), "\(target)")
        }
    }

    @Test func rowsCanBeHidden() {
        #expect(!csv("/;csv;up").contains { $0.hasPrefix("app,flask3,") || $0.hasPrefix("app,flask4,") })
        #expect(csv("/;csv;up").contains { $0.hasPrefix("app,flask5,") })
        #expect(!csv("/;no-maint;csv").contains { $0.hasPrefix("app,flask5,") })
    }
}
