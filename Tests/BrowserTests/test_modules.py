"""The page's own parsers, writers and rules, run in the browser and held against Python's or naive twins."""

import base64
import csv
import io
import json
import random
import struct
import subprocess
import zipfile

from PIL import Image

from support.case import BrowserCase
from support.server import ROOT

FIXTURES = ROOT / "Tests/Fixtures/png"
BYTES = "const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"


def text_of(path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


class ModuleTests(BrowserCase):
    def setUp(self) -> None:
        super().setUp()
        self.visit("/about")

    def test_reads_every_kind_of_png(self) -> None:
        for case in json.loads((FIXTURES / "expected.json").read_text()):
            with self.subTest(case["file"]):
                read = self.run_module(
                    BYTES + "const {readPNG} = await import('/js/image/png-reader.js');"
                    "const p = await readPNG(bytes(given[0])); return {...p, samples: [...p.samples], palette: null};",
                    text_of(FIXTURES / case["file"]))
                self.assertEqual((read["width"], read["height"]), (case["width"], case["height"]))
                self.assertEqual(read["samples"], case.get("indices", case["samples"]))
                channels = case["channels"]
                colours = 3 if channels >= 3 else 1
                stretch = 255 // (2 ** case["bitDepth"] - 1) if case["bitDepth"] < 8 else 1
                expected = [
                    value * stretch for at, value in enumerate(case["samples"]) if at % channels < colours]
                picture = self.run_module(
                    BYTES + "const {Picture} = await import('/js/image/picture.js');"
                    "const p = await Picture.read(new Blob([bytes(given[0])])); return [p.channels, p.depth, [...p.samples]];",
                    text_of(FIXTURES / case["file"]))
                self.assertEqual(picture, [colours, 16 if case["bitDepth"] == 16 else 8, expected])

    def test_a_batch_that_was_left_writes_over_nothing(self) -> None:
        begin = (
            "const {Batch} = await import('/js/batch/batch.js'); const {recall} = await import('/js/keep.js');"
            "const left = await Batch.open(); await left.clear();"
            "await left.add([{file: new File(['x'], 'a.png'), path: 'a.png'}]); let release;"
            "left.segment = async (item) => { await new Promise((resolve) => { release = resolve; }); item.state = 'done'; };"
            "const running = left.run(null, null, {}, () => {});")
        end = "release(); await running; const item = await recall('batch 0'); return item ? item.state : null;"
        self.assertEqual(self.run_module(begin + end), "done")
        self.assertEqual(self.run_module(begin + "await Batch.recall();" + end), "done")
        # Shown anew: what is kept is that view's.
        self.assertEqual(self.run_module(begin + "await Batch.open();" + end), "waiting")
        self.assertIsNone(self.run_module(begin + "await (await Batch.open()).clear();" + end))

    def test_tells_damaged_pngs(self) -> None:
        whole = (FIXTURES / "grey-16.png").read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) - 20] ^= 1
        huge = bytearray(whole)
        huge[16:24] = struct.pack(">II", 60000, 60000)
        for damaged in (whole[:60], bytes(flipped), bytes(huge), b"", b"GIF89a"):
            message = self.run_module(
                BYTES + "const {readPNG} = await import('/js/image/png-reader.js');"
                "return readPNG(bytes(given[0])).then(() => null, (error) => error.message);", base64.b64encode(damaged).decode())
            self.assertTrue(message, damaged[:20])
        lengths = self.run_module(
            BYTES + "const {readPNG} = await import('/js/image/png-reader.js'); const all = bytes(given[0]); let accepted = 0;"
            "for (let n = 0; n < all.length; n += 1) await readPNG(all.subarray(0, n)).then(() => { accepted += 1; }, () => {});"
            "return accepted;", base64.b64encode(whole).decode())
        self.assertEqual(lengths, 0, "a file that was cut off was read")

    def test_writes_pngs_that_others_read(self) -> None:
        random.seed(1)
        for width, height in ((1, 1), (7, 3), (64, 65)):
            grey = [random.randrange(256) for _ in range(width * height)]
            text = self.run_module(
                "const {writeGreyPNG} = await import('/js/image/png-writer.js'); const {base64OfBytes} = await import('/js/image/mask.js');"
                "return base64OfBytes(await writeGreyPNG(given[0], given[1], Uint8Array.from(given[2])));", width, height, grey)
            image = Image.open(io.BytesIO(base64.b64decode(text)))
            self.assertEqual((image.size, image.mode), ((width, height), "L"))
            self.assertEqual(list(image.tobytes()), grey)

    def test_windows_16_bits_as_the_server_does(self) -> None:
        random.seed(2)
        samples = [100] * 300 + [random.randrange(200, 60000) for _ in range(700)]
        low, high = self.run_module(
            "const {GreyWindow} = await import('/js/image/window.js'); const {Picture} = await import('/js/image/picture.js');"
            "const w = GreyWindow.automatic(new Picture(1000, 1, 1, 16, Uint16Array.from(given[0]))); return [w.low, w.high];", samples)
        above = sorted(value for value in samples if value > 100)
        rank = lambda share: above[max(1, -int(-share * len(above) // 1)) - 1]
        self.assertEqual((low, high), (rank(0.005), rank(0.995)))

    def test_writes_zips_that_others_read(self) -> None:
        files = [{"name": "results.csv", "text": "a,b"}, {"name": "masks/größe 1.png", "text": "\x00\xff" * 999}, {"name": "leer", "text": ""}]
        text = self.run_module(
            "const {zip} = await import('/js/zip.js'); const {base64OfBytes} = await import('/js/image/mask.js');"
            "const files = given[0].map(({name, text}) => ({name, bytes: Uint8Array.from(text, (c) => c.charCodeAt(0))}));"
            "return base64OfBytes(new Uint8Array(await zip(files, new Date(2026, 10, 27, 23, 5, 8)).arrayBuffer()));", files)
        archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(text)))
        self.assertIsNone(archive.testzip())
        self.assertEqual(archive.namelist(), [file["name"] for file in files])
        for file in files:
            self.assertEqual(archive.read(file["name"]), file["text"].encode("latin-1"))
        self.assertEqual(archive.infolist()[0].date_time, (2026, 11, 27, 23, 5, 8))

    def test_writes_csv_that_others_read(self) -> None:
        rows = [["plain", 'say "hi"', "a,b"], ["two\nlines", "", "1.5"]]
        text = self.run_module("return (await import('/js/csv.js')).csv(given[0]);", rows)
        self.assertEqual(list(csv.reader(io.StringIO(text, newline=""))), rows)

    def test_reads_events_however_they_are_cut(self) -> None:
        stream = "\ufeff: hello\n\nid: 7\nevent: job\ndata: {\"a\":\r\ndata: 1}\n\n\r\ndata\n\nevent: x\nid:8\ndata:  two\r\rdata: unfinished"
        expected = [["job", "7", '{"a":\n1}'], ["message", "7", ""], ["x", "8", " two"]]
        wrong = self.run_module("""
            const {EventReader} = await import('/js/jobs/events.js');
            const wrong = [];
            const check = (name, chunks) => {
              const reader = new EventReader();
              const found = chunks.flatMap((chunk) => reader.read(chunk)).map(({event, id, data}) => [event, id, data]);
              if (JSON.stringify(found) !== JSON.stringify(given[1])) wrong.push([name, found]);
            };
            for (let at = 0; at <= given[0].length; at += 1) check(at, [given[0].slice(0, at), given[0].slice(at)]);
            check('single', [...given[0]]);
            return wrong;""", stream, expected)
        self.assertEqual(wrong, [])

    def test_answers_the_last_of_many_requests(self) -> None:
        seen = self.run_module("""
            const {Latest} = await import('/js/latest.js');
            const [asked, answered, failed] = [[], [], []];
            const waiting = [];
            const latest = new Latest((n) => { asked.push(n); return new Promise((resolve, reject) => waiting.push({resolve, reject})); },
              (result, n) => answered.push([n, latest.isBusy]), (error, n) => failed.push([n, latest.isBusy]));
            const turn = () => new Promise((resolve) => setTimeout(resolve));
            latest.ask(1); latest.ask(2); latest.ask(3);
            waiting[0].resolve(); await turn();
            latest.ask(4);
            waiting[1].reject(new Error('no')); await turn();
            waiting[2].resolve(); await turn();
            return {asked, answered, failed};""")
        self.assertEqual(seen, {"asked": [1, 3, 4], "answered": [[1, True], [4, False]], "failed": [[3, True]]})

    def test_decodes_three_at_once_and_the_others_in_turn(self) -> None:
        seen = self.run_module("""
            const {limited} = await import('/js/limited.js');
            const begun = [];
            const ends = [];
            const turn = () => new Promise((resolve) => setTimeout(resolve));
            const results = [0, 1, 2, 3, 4, 5].map((n) => limited(() => new Promise((resolve, reject) => {
              begun.push(n);
              ends[n] = {resolve, reject};
            })).catch((error) => error.message));
            const thrown = limited(() => { throw new Error('at once'); }).catch((error) => error.message);
            const first = [...begun];
            ends[1].reject(new Error('damaged')); await turn();
            const second = [...begun];
            ends[0].resolve('a'); ends[3].resolve('d'); await turn();
            const third = [...begun];
            for (const n of [2, 4, 5]) ends[n].resolve(n);
            const all = [...await Promise.all(results), await thrown];
            return {first, second, third, all, after: await limited(async () => 'free')};""")
        self.assertEqual((seen["first"], seen["second"], seen["third"]), ([0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5]))
        self.assertEqual((seen["all"], seen["after"]), (["a", "damaged", 2, "d", 4, 5, "at once"], "free"))

    def test_what_a_tab_has_left_is_thrown_away_when_it_is_old(self) -> None:
        left = self.run_module("""
            const {forgetClosedTabs} = await import('/js/keep.js');
            const result = (request) => new Promise((resolve, reject) => {
              request.onsuccess = () => resolve(request.result);
              request.onerror = () => reject(request.error);
            });
            const database = await result(indexedDB.open('gmiseg', 1));
            const store = () => database.transaction('work', 'readwrite').objectStore('work');
            await new Promise((resolve) => navigator.locks.request('gmiseg living', () => { resolve(); return new Promise(() => {}); }));
            for (const [tab, hours] of [['living', 13], ['asleep', 11], ['closed', 13]]) {
              await result(store().put({tab, time: Date.now() - hours * 3600 * 1000, value: {}}, `${tab} file`));
            }
            await forgetClosedTabs();
            return result(store().getAllKeys());""")
        self.assertEqual(left, ["asleep file", "living file"])

    def test_a_second_finger_changes_nothing(self) -> None:
        seen = self.run_module("""
            const {Stage} = await import('/js/viewer/stage.js'); const {Picture} = await import('/js/image/picture.js');
            const stage = new Stage('Image', 'help');
            stage.setPicture(new Picture(4, 4, 1, 8, new Uint8Array(16)));
            // No finger is there that could be held.
            stage.canvas.setPointerCapture = () => {};
            let seen = [];
            stage.tool = Object.fromEntries(['down', 'hover', 'move', 'up', 'cancel'].map((name) => [name, () => seen.push(name)]));
            const gesture = (...events) => {
              seen = [];
              for (const [kind, pointerId] of events) stage.canvas.dispatchEvent(new PointerEvent(`pointer${kind}`, {pointerId}));
              return seen;
            };
            return [
              gesture(['move', 7], ['down', 7], ['down', 8], ['move', 8], ['move', 7], ['cancel', 8], ['up', 8], ['move', 7], ['up', 7], ['move', 8]),
              gesture(['down', 8], ['move', 7], ['cancel', 8], ['move', 7])];""")
        self.assertEqual(seen, [["hover", "down", "move", "move", "up", "hover"], ["down", "cancel", "hover"]])

    SERVER = """
        const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
        const asked = [];
        /** Answers uploads by `reply(form)`: `{status, delay, wait, body}`. */
        const uploads = (reply) => {
          window.XMLHttpRequest = class {
            upload = {};
            open() {}
            setRequestHeader() {}
            getResponseHeader(name) { return name === 'Retry-After' ? this.wait ?? null : null; }
            abort() { asked.push('aborted'); }
            async send(form) {
              const {status, delay = 0, wait, body = {title: 'refused', status}} = reply(form);
              Object.assign(this, {status, wait, responseText: JSON.stringify(body)});
              asked.push(status);
              await later(delay);
              if (status === 0) this.onerror(); else this.onload();
            }
          };
        };
        /** Answers everything else by `reply(path)`: `{status, delay, wait, body}`. */
        const answers = (reply) => {
          window.fetch = async (path) => {
            const {status = 200, delay = 0, wait, body = {title: 'refused', status}} = reply(path);
            await later(delay);
            return new Response(JSON.stringify(body), {status, headers: wait ? {'Retry-After': wait} : {}});
          };
        };"""

    def test_an_upload_that_is_given_up_ends(self) -> None:
        seen = self.run_module(self.SERVER + """
            const {upload} = await import('/js/api.js');
            uploads(() => ({status: 200, delay: 300, body: {}}));
            const abort = new AbortController();
            const ended = () => upload('/v1/tasks', new FormData(), {signal: abort.signal}).then(() => 'answered', ({name}) => name);
            const begun = ended();
            await later(0);
            abort.abort();
            const seen = [await begun, await ended()];
            return {seen, asked: [...asked], whole: await upload('/v1/tasks', new FormData(), {signal: new AbortController().signal})};""")
        self.assertEqual(seen["seen"], ["AbortError", "AbortError"])
        self.assertEqual(seen["asked"], [200, "aborted"], "what was given up before is not sent")
        self.assertEqual(seen["whole"], {})

    def test_deletes_no_image_that_was_there_before(self) -> None:
        seen = self.run_module(self.SERVER + """
            const {putAway, storeImage} = await import('/js/stored-images.js');
            const {forget, keep} = await import('/js/keep.js');
            let deleted = [];
            answers((path) => {
              if (path.startsWith('/v1/images/')) deleted.push(path.split('/').pop());
              return {body: {}};
            });
            const server = new Set(['theirs']);
            uploads((form) => {
              const id = form.get('image').name;
              const status = server.has(id) ? 200 : 201;
              server.add(id);
              return {status, body: {id}};
            });
            const away = async (...ids) => {
              deleted = [];
              await putAway([...ids, null], {imageDeletion: true});
              return deleted;
            };
            for (const id of ['ours', 'theirs', 'ours']) await storeImage(new Blob(['x']), id);
            await keep('batch 0', {imageId: 'ours'});
            const used = await away('ours', 'theirs', 'kept before ids were');
            await forget('batch 0');
            const free = await away('ours', 'theirs', 'kept before ids were');
            // A script has sent it again since.
            await storeImage(new Blob(['x']), 'ours');
            return {used, free, again: await away('ours')};""")
        self.assertEqual(seen, {"used": [], "free": ["ours"], "again": []})

    def test_deletes_later_what_could_not_be_deleted(self) -> None:
        seen = self.run_module(self.SERVER + """
            const {deleteUnwanted, putAway, storeImage} = await import('/js/stored-images.js');
            uploads((form) => ({status: 201, body: {id: form.get('image').name}}));
            for (const id of ['a', 'b', 'c', 'd', 'e']) await storeImage(new Blob(['x']), id);
            let replies = [];
            let paths = [];
            answers((path) => {
              paths.push(path.split('/').pop());
              return replies.shift() ?? {body: {}};
            });
            const away = async (ids, ...given) => {
              replies = given;
              paths = [];
              const status = await (ids ? putAway(ids, {imageDeletion: true}) : deleteUnwanted()).then(() => null, (problem) => problem.status);
              return [status, ...paths];
            };
            const refused = await away(['a', 'b'], {status: 500});
            const next = await away(['c']);
            const busy = await away(['d'], {status: 429, wait: '1'}, {status: 429, wait: '1'});
            const gone = [await away(['e'], {status: 503}), await away(null, {status: 404}), await away(null)];
            await storeImage(new Blob(['x']), 'f');
            const kept = await away(['f'], {status: 500});
            // It is opened again before the next start.
            await storeImage(new Blob(['x']), 'f');
            const wanted = await away(null);
            const waited = away(['f'], {status: 429, wait: '1'});
            await later(300);
            await storeImage(new Blob(['x']), 'f');
            return {refused, next, busy, gone, kept, wanted, waited: await waited, atOnce: await Promise.all([away(['f']), away(null)])};""")
        self.assertEqual(seen["refused"], [500, "a"])
        self.assertEqual(seen["next"], [None, "a", "b", "c"])
        self.assertEqual(seen["busy"], [None, "d", "d", "d"])
        self.assertEqual(seen["gone"], [[503, "e"], [None, "e"], [None]])
        self.assertEqual((seen["kept"], seen["wanted"]), ([500, "f"], [None]))
        self.assertEqual(seen["waited"], [None, "f"], "it is open again when the time has come")
        self.assertEqual(seen["atOnce"][1], [None, "f"], "nothing is deleted twice")

    def test_looks_through_all_pages_of_tasks(self) -> None:
        seen = self.run_module(self.SERVER + """
            const {allTasks} = await import('/js/tasks/all.js');
            const pages = {
              '/v1/tasks?limit=200': {tasks: [{id: 'a'}, {id: 'b'}], next: 'b&'}, '/v1/tasks?limit=200&after=b%26': {tasks: [{id: 'c'}], next: null},
            };
            answers((path) => ({body: pages[path] ?? {}}));
            return (await allTasks()).map(({id}) => id);""")
        self.assertEqual(seen, ["a", "b", "c"])

    def test_a_batch_waits_for_a_busy_server_and_stops_for_one_that_is_away(self) -> None:
        seen = self.run_module(self.SERVER + """
            const {Batch} = await import('/js/batch/batch.js');
            const batch = new Batch();
            await batch.add(['a', 'b', 'c'].map((name) => ({file: new File(['x'], name + '.png'), path: name + '.png'})));
            batch.task = 'task_new';
            answers(() => ({body: {masks: [{candidate: 0, area_px: 1, score: 1, png: ''}]}}));
            const image = {status: 201, body: {id: 'img_1', width: 4, height: 4}};
            const run = async (...replies) => {
              uploads(() => replies.shift() ?? image);
              const error = await batch.run({kind: 'centre'}, {areSeveral: false}, {}, () => {}).then(() => null, (problem) => problem.status);
              return [error, batch.isStopped, ...batch.items.map(({state, task}) => `${state} ${task}`)];
            };
            const unavailable = await run({status: 503}, {status: 503});
            const away = await run({status: 0}, {status: 0});
            const busy = await run({status: 503, wait: '1'}, {status: 422});
            const before = asked.length;
            await batch.requeue();
            const again = await run();
            return {unavailable, away, busy, again, asked, uploads: asked.length - before};""")
        self.assertEqual(seen["unavailable"], [503, True, "waiting task_new", "waiting task_new", "waiting null"])
        self.assertEqual(seen["away"], [0, True, "waiting task_new", "waiting task_new", "waiting null"])
        self.assertEqual(seen["busy"], [None, False, "done task_new", "failed task_new", "done task_new"])
        self.assertEqual(seen["again"], [None, False, *["done task_new"] * 3])
        self.assertEqual(seen["uploads"], 1, "what is done is not sent again")

    def test_what_was_chosen_last_counts(self) -> None:
        image = text_of(FIXTURES / "grey-16.png")
        seen = self.run_module(self.SERVER + BYTES + """
            const {Session} = await import('/js/segment/session.js');
            const session = new Session('test', {});
            const file = new File([bytes(given[0])], 'x.png');
            uploads((form) => ({status: 201, delay: form.get('image').name === 'slow.png' ? 300 : 0, body: {id: form.get('image').name}}));
            const opened = await Promise.all([session.open(file, 'slow.png'), session.open(file, 'fast.png')]);
            const name = session.name;
            const dropped = new Session('test', {});
            const [first, resumed] = await Promise.all([dropped.open(file, 'slow.png'), dropped.resume()]);
            const closed = session.open(file, 'slow.png');
            await session.close();
            answers((path) => ({delay: path.endsWith('slow') ? 300 : 0, body: {id: path.split('/').pop(), labels: []}}));
            const chosen = await Promise.all(['slow', 'fast'].map((id) => session.chooseTask(id)));
            const task = session.task.id;
            const left = await Promise.all([session.chooseTask('slow'), session.chooseTask(null)]);
            return {first, resumed, opened, name, closed: await closed, file: session.file, chosen, task, left, end: session.task};""", image)
        self.assertEqual((seen["opened"], seen["name"]), ([False, True], "fast.png"))
        self.assertEqual((seen["first"], seen["resumed"]), (True, False), "what a reload brings back gives way")
        self.assertEqual((seen["closed"], seen["file"]), (False, None))
        self.assertEqual((seen["chosen"], seen["task"]), ([False, True], "fast"))
        self.assertEqual((seen["left"], seen["end"]), ([False, True], None))

    def test_follows_a_job_through_a_refusal_that_passes(self) -> None:
        seen = self.run_module(self.SERVER + """
            const {follow} = await import('/js/jobs/follow.js');
            const replies = [{body: {state: 'running'}}, {status: 429}, {status: 503}, {body: {state: 'succeeded'}}];
            answers(() => replies.shift());
            const told = [];
            const last = await follow('job_1', {events: false}, (job) => told.push(job.state), new AbortController().signal);
            answers(() => ({status: 404}));
            const gone = await follow('job_1', {events: false}, () => {}, new AbortController().signal).then(() => null, (problem) => problem.status);
            return {told, last: last.state, gone};""")
        self.assertEqual(seen, {"told": ["running", "succeeded"], "last": "succeeded", "gone": 404})

    def test_a_microscopes_millimetres_have_digits(self) -> None:
        texts = self.run_module(
            "const {millimetres} = await import('/js/format.js'); return given[0].map((value) => millimetres(value, 1));",
            [2359.84, 12, 0.5, 0.04321, 0.0000625, 0, None])
        self.assertEqual(texts, ["2,359.8", "12.0", "0.5", "0.0432", "0.0000625", "0.0", "–"])

    def test_the_curl_command_takes_any_file_name_and_keeps_no_error_for_a_mask(self) -> None:
        for name in ("truth.png", "it's 1, left; \"a\" \\ $b.png"):
            with self.subTest(name):
                (self.downloads / name).write_bytes((FIXTURES / "grey-16.png").read_bytes())
                command = self.run_module(
                    "const {curlCommand} = await import('/js/segment/export.js');"
                    "const reply = {body: {image_id: 'img_' + '0'.repeat(64), prompts: {}, ground_truth: 'x'}};"
                    "return curlCommand({meaningful: [reply], address: '/v1/segment', truth: {name: given[0]}, name: 'scan.png',"
                    " labels: {find: () => null, isMap: false}});", name)
                ended = subprocess.run(["bash", "-c", command], cwd=self.downloads, check=False, capture_output=True, text=True)
                self.assertEqual(ended.returncode, 22, ended.stderr)

    def test_undoes_and_redoes(self) -> None:
        seen = self.run_module("""
            const {History} = await import('/js/history.js');
            const h = new History(0, 3);
            h.push(1); h.push(2); h.undo(); h.undo(); h.undo();
            const first = [h.value, h.canUndo, h.canRedo];
            h.redo(); h.push(5);
            const second = [h.value, h.canRedo];
            h.push(6); h.undo(); h.undo(); h.undo();
            return [first, second, h.value];""")
        self.assertEqual(seen, [[0, False, True], [5, False], 1])

    def pair(self, images: list[str], masks: list[str], settled: tuple[str, ...] = ()) -> dict:
        return self.run_module(
            "const {pair} = await import('/js/tasks/pairing.js'); const wrap = (paths) => paths.map((path) => ({path}));"
            "const r = pair(...given.map(wrap)); const names = (l) => l.map(({path}) => path);"
            "return {pairs: r.pairs.map(({stem, image, mask}) => [stem, image.path, mask.path]), images: names(r.images), masks: names(r.masks)};",
            images, masks, settled)

    def test_pairs_files_by_name(self) -> None:
        self.assertEqual(
            self.pair(["a.png", "b.png", "c.png"], ["b_mask.png", "a.png", "d.png"]),
            {"pairs": [["a", "a.png", "a.png"], ["b", "b.png", "b_mask.png"]], "images": ["c.png"], "masks": ["d.png"]})
        # Two folders may hold the same name: the stems that are sent differ all the same.
        self.assertEqual(
            [row[0] for row in self.pair(["x/a.png", "y/a.png"], ["x/m/a_seg.png", "y/m/a_seg.png"])["pairs"]], ["a", "a-2"])
        kinds = self.run_module(
            "const {kindOfPath} = await import('/js/tasks/pairing.js'); return given[0].map(kindOfPath);",
            ["heart/masks/1.png", "heart/images/1.png", "1_GT.png", "1.png", "Labels/x/1.jpg"])
        self.assertEqual(kinds, ["mask", "image", "mask", None, "mask"])

    def test_folders_tell_namesakes_apart(self) -> None:
        for name, images, masks, settled, expected in (
            ("a mask is missing", ["set/p1/images/001.png", "set/p2/images/001.png"], ["set/p2/masks/001.png"], (), {1: 0}),
            ("patients within", ["images/p1/001.png", "images/p2/001.png"], ["masks/p2/001.png", "masks/p1/001.png"], (), {0: 1, 1: 0}),
            ("patients around", ["p1/images/001.png", "p2/images/001.png"], ["p2/masks/001.png", "p1/masks/001.png"], (), {0: 1, 1: 0}),
            ("beside their images", ["x/a.png", "y/a.png"], ["y/m/a_seg.png", "x/m/a_seg.png"], (), {0: 1, 1: 0}),
            ("a folder in a folder", ["x/a.png", "x/y/a.png"], ["x/y/a_mask.png", "x/a_mask.png"], (), {0: 1, 1: 0}),
            ("of the inner folder", ["x/a.png", "x/y/a.png"], ["x/y/a_mask.png"], (), {1: 0}),
            ("of either", ["a.png", "a.png"], ["a_mask.png"], (), {}),
            ("of other folders", ["in1/a.png", "in2/a.png"], ["out1/a.png", "out2/a.png"], (), {}),
            ("two masks", ["scans/a.png"], ["p1/a_mask.png", "p2/a_mask.png"], (), {}),
            ("the same name before an ending", ["images/a.png"], ["masks/a_mask.png", "masks/a.png"], (), {0: 1}),
            ("no namesakes", ["scans/b.png", "scans/old/c.png"], ["outlines/c.png", "far/away/b_mask.png"], (), {0: 1, 1: 0}),
            ("one that has its mask", ["p1/images/001.png"], ["p2/masks/001.png"], ("p2/images/001.png",), {}),
            ("of either, one has its mask", ["a.png"], ["a_mask.png"], ("a.png",), {}),
            ("beside one that has its mask", ["p1/images/001.png"], ["p1/masks/001.png"], ("p2/images/001.png",), {0: 0}),
        ):
            with self.subTest(name):
                result = self.pair(images, masks, settled)
                self.assertEqual([row[1:] for row in result["pairs"]], [[images[image], masks[mask]] for image, mask in expected.items()])
                self.assertEqual(result["images"], [path for index, path in enumerate(images) if index not in expected])
                self.assertEqual(result["masks"], [path for index, path in enumerate(masks) if index not in expected.values()])

    def test_masks_that_are_dropped_later_go_to_their_own_patient(self) -> None:
        seen = self.run_module("""
            const {Draft} = await import('/js/tasks/draft.js');
            const draft = new Draft();
            const drop = async (...paths) => {
              await draft.add(paths.map((path) => ({file: new File(['x'], path.split('/').pop()), path})));
              return [...draft.rows.map(({path, mask}) => [path.slice(0, 2), mask !== null]), draft.orphans.map(({path}) => path)];
            };
            return [
              await drop('p1/images/001.png', 'p2/images/001.png'), await drop('p2/masks/001.png'), await drop('p2/masks/001.png'),
              await drop('p1/masks/001.png'), await drop('p3/masks/002.png'), await drop('p3/images/002.png')];""")
        again = ["p2/masks/001.png"]
        self.assertEqual(seen, [
            [["p1", False], ["p2", False], []],
            [["p1", False], ["p2", True], []],
            [["p1", False], ["p2", True], again],
            [["p1", True], ["p2", True], again],
            [["p1", True], ["p2", True], [*again, "p3/masks/002.png"]],
            [["p1", True], ["p2", True], ["p3", True], again],
        ])

    def test_fills_and_strokes_as_the_naive_twins_do(self) -> None:
        random.seed(3)
        for _ in range(6):
            points = [{"x": random.uniform(-4, 34), "y": random.uniform(-4, 24)} for _ in range(random.randrange(3, 9))]
            radius = random.uniform(0.5, 6)
            filled, stroked = self.run_module("""
                const {fillPolygon} = await import('/js/paint/polygon.js'); const {paintStroke} = await import('/js/paint/brush.js');
                const {Mask} = await import('/js/image/mask.js');
                const [a, b] = [new Mask(30, 20), new Mask(30, 20)];
                fillPolygon(a, given[0], 1); paintStroke(b, given[0][0], given[0][1], given[1], 1);
                return [[...a.pixels], [...b.pixels]];""", points, radius)
            places = [(index % 30, index // 30) for index in range(600)]
            self.assertEqual(filled, [int(_inside(points, x, y)) for x, y in places])
            self.assertEqual(stroked, [int(_distance(points[0], points[1], x, y) <= radius) for x, y in places])

    def test_reads_what_the_server_offers(self) -> None:
        contract = (ROOT / "openapi.yaml").read_text()
        answers = self.run_module("""
            const {Features} = await import('/js/features.js');
            const f = new Features(given[0]); const none = new Features('');
            return [f.has('post', '/v1/tasks/{any}/segment'), f.has('delete', '/v1/tasks/{}/segment'), f.takes('post', '/v1/segment', 'multimask'),
              f.takes('post', '/v1/segment', 'nonsense'), f.schemaHas('Prompts', 'boxes'), none.events, none.dryRun];""", contract)
        self.assertEqual(answers, [True, False, True, False, True, False, False])

    def test_measures_masks(self) -> None:
        area, dice, empty, edges = self.run_module("""
            const {Mask} = await import('/js/image/mask.js');
            const [a, b] = [new Mask(4, 3), new Mask(4, 3)];
            a.pixels.set([1, 1, 0, 0, 1, 1]); b.pixels.set([0, 1, 1, 0, 0, 1, 1]);
            const dice = a.dice(b);
            return [Mask.union([a, b]).area, dice, new Mask(2, 2).dice(new Mask(2, 2)), a.contour() instanceof Path2D];""")
        self.assertEqual((area, dice, empty, edges), (6, 0.5, 1, True))


def _inside(points: list[dict], x: float, y: float) -> bool:
    """Even-odd, one ray to the left from the pixel's centre."""
    crossings = 0
    for index, a in enumerate(points):
        b = points[(index + 1) % len(points)]
        if (a["y"] <= y) != (b["y"] <= y):
            crossings += a["x"] + (y - a["y"]) / (b["y"] - a["y"]) * (b["x"] - a["x"]) <= x
    return crossings % 2 == 1


def _distance(a: dict, b: dict, x: float, y: float) -> float:
    dx, dy = b["x"] - a["x"], b["y"] - a["y"]
    along = min(1, max(0, ((x - a["x"]) * dx + (y - a["y"]) * dy) / (dx * dx + dy * dy)))
    return ((x - a["x"] - along * dx) ** 2 + (y - a["y"] - along * dy) ** 2) ** 0.5
