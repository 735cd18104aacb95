import API
import Testing

@Suite struct AnswerTableTests {
    private func rows(_ text: String) -> [[String]] {
        text.split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test func everyMaskIsARow() throws {
        let answer: JSON = [
            "task": .null, "tier": "base", "image": ["id": "img_1", "width": 4, "height": 3],
            "masks": [
                ["prompt": 0, "score": 0.5, "area_px": 7, "bounds": ["x0": 1, "y0": 0, "x1": 3, "y1": 2]],
                ["prompt": 1, "score": 0.25, "area_px": 0, "bounds": .null],
            ],
            "metrics": ["dice": 0.75], "receipt_sha256": "ab",
        ]
        let table = rows(AnswerTable.csv([answer, answer]))
        #expect(table.count == 5)
        #expect(table.allSatisfy { $0.count == AnswerTable.columns.count })
        #expect(table[0] == AnswerTable.columns)
        func value(_ row: Int, _ column: String) throws -> String {
            table[row][try #require(AnswerTable.columns.firstIndex(of: column))]
        }
        #expect(try value(1, "image") == "img_1")
        #expect(try value(1, "area_px") == "7")
        #expect(try value(1, "x1") == "3")
        #expect(try value(2, "prompt") == "1")
        #expect(try value(2, "x1") == "")
        #expect(try value(2, "dice") == "0.75")
        #expect(try value(2, "metrics_of") == "all masks")
        #expect(try value(2, "task") == "")
        #expect(table[1] == table[3])
    }

    /// A Dice that is of another mask does not stand in a mask's row.
    @Test(arguments: [
        (#"[{"candidate": 0}]"#, ["0.75,mask"]),
        (#"[{"candidate": 0}, {"candidate": 1}, {"candidate": 2}]"#, ["0.75,mask", ",", ","]),
        (#"[{"prompt": 0, "candidate": 0}, {"prompt": 1, "candidate": 0}]"#, ["0.75,all masks", "0.75,all masks"]),
        (
            #"[{"candidate": 0, "metrics": {"dice": 0.5}}, {"candidate": 0, "metrics": null}]"#,
            ["0.5,mask", "0.75,all masks"]
        ),
    ])
    func metricsAreTheRowsOrSayOfWhat(_ masks: String, _ expected: [String]) throws {
        let answer: JSON = [
            "masks": try JSONParser.parse(Array(masks.utf8)), "metrics": ["dice": 0.75, "of": "something longer"],
        ]
        let table = rows(AnswerTable.csv([answer]))
        let places = try ["dice", "metrics_of"].map { try #require(AnswerTable.columns.firstIndex(of: $0)) }
        #expect(table.dropFirst().map { row in places.map { row[$0] }.joined(separator: ",") } == expected)
    }

    @Test func whatWouldBreakARowIsQuoted() {
        let answer: JSON = ["tier": "a \"b\", c\nd", "masks": [["prompt": 0]]]
        #expect(AnswerTable.csv([answer]).contains(",\"a \"\"b\"\", c\nd\","))
    }
}
