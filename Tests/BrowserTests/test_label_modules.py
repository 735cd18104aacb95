"""The page's own handling of labels, run in the browser and held against naive twins."""

import base64
import io
import random

from PIL import Image

from support.case import BrowserCase

BYTES = "const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"


def encoded(image: Image.Image, **options) -> str:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return base64.b64encode(stream.getvalue()).decode()


class LabelModuleTests(BrowserCase):
    def setUp(self) -> None:
        super().setUp()
        self.visit("/about")

    def read(self, file: str) -> list[int] | str:
        return self.run_module(
            BYTES + "const {LabelMap} = await import('/js/image/label-map.js');"
            "return LabelMap.read(new Blob([bytes(given[0])])).then((map) => [...map.pixels], (error) => error.message);", file)

    def test_reads_labels_where_tools_put_them(self) -> None:
        numbers = bytes([0, 1, 3, 200, 0, 3])
        grey = Image.frombytes("L", (3, 2), numbers)
        self.assertEqual(self.read(encoded(grey)), list(numbers))
        deep = Image.frombytes("I;16", (3, 1), b"\x00\x00\x05\x00\x2c\x01")
        self.assertEqual(self.read(encoded(deep)), [0, 5, 300])
        self.assertEqual(self.read(encoded(Image.merge("RGB", [grey] * 3))), list(numbers))
        self.assertEqual(self.read(encoded(Image.merge("LA", [grey, grey]))), list(numbers))
        # Two bits a pixel: the sample itself, not stretched.
        low = Image.frombytes("P", (3, 2), bytes([0, 1, 2, 3, 0, 1]))
        low.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
        self.assertEqual(self.read(encoded(low, bits=2)), [0, 1, 2, 3, 0, 1], "colours of a palette are for display")
        low.putpalette([0, 0, 0, 7, 7, 7, 9, 9, 9, 4, 4, 4])
        self.assertEqual(self.read(encoded(low, bits=2)), [0, 7, 9, 4, 0, 7], "a grey palette is a grey image")
        self.assertIn("colours", self.read(encoded(Image.new("RGB", (2, 2), (1, 2, 3)))))

    def test_writes_labels_that_others_read(self) -> None:
        random.seed(4)
        numbers = [random.choice([0, 1, 3, 255]) for _ in range(35)]
        text = self.run_module("""
            const {LabelMap} = await import('/js/image/label-map.js'); const {base64OfBytes} = await import('/js/image/mask.js');
            return base64OfBytes(await new LabelMap(7, 5, Uint8Array.from(given[0])).toPNG());""", numbers)
        image = Image.open(io.BytesIO(base64.b64decode(text)))
        self.assertEqual((image.mode, image.size, list(image.tobytes())), ("L", (7, 5), numbers))

    def test_composes_answers_as_the_naive_twin_does(self) -> None:
        random.seed(5)
        for _ in range(20):
            # First what is learnt of all labels, which do not overlap; then prompts of some, which may.
            first = [random.choice([0, 1, 2, 5]) for _ in range(40)]
            later = [(label, [random.random() < 0.4 for _ in range(40)]) for label in random.sample([1, 2, 5], k=random.randrange(4))]
            pixels, parts = self.run_module("""
                const {compose} = await import('/js/segment/composition.js'); const {Mask} = await import('/js/image/mask.js');
                const [first, later] = given;
                const mask = (inside) => new Mask(8, 5, Uint8Array.from(inside, Number));
                const entry = (value, inside) => ({json: {label_value: value, area_px: inside.filter(Boolean).length}, mask: mask(inside)});
                const learnt = {label: null, masks: [1, 2, 5].map((value) => entry(value, first.map((pixel) => pixel === value)))};
                const labels = [1, 2, 5].map((value) => ({value}));
                const {map, parts} = compose(labels, [learnt, ...later.map(([value, inside]) => ({label: value, masks: [entry(value, inside)]}))]);
                return [[...map.pixels], parts.map(({label, mask, isWhole}) => [label.value, mask.area, isWhole])];""", first, later)
            expected = list(first)
            said = {value: first.count(value) for value in (1, 2, 5)}
            for label, inside in sorted(later, key=lambda pair: -sum(pair[1])):
                expected = [label if marked else 0 if old == label else old for old, marked in zip(expected, inside)]
                said[label] = sum(inside)
            self.assertEqual(pixels, expected)
            self.assertEqual(parts, [[value, expected.count(value), expected.count(value) == said[value]] for value in (1, 2, 5)])

    def test_keeps_prompts_for_each_label(self) -> None:
        seen = self.run_module("""
            const {PromptBook} = await import('/js/segment/book.js'); const {Prompts} = await import('/js/segment/prompts.js');
            const several = {areSeveral: true, list: [{value: 1}, {value: 3}]}; const one = {areSeveral: false, list: [{value: 1}]};
            const at = (x) => new Prompts([{x, y: 0, label: 1}]);
            let book = new PromptBook().fitting(several);
            const start = book.label;
            book = book.with(at(7)).choosing(3).with(at(8)).choosing(1).with(at(9));
            const order = book.pages.map(([label, {points}]) => [label, points[0].x]);
            const cleared = book.with(new Prompts()).pages.map(([label]) => label);
            const again = PromptBook.from(JSON.parse(JSON.stringify(book.json)));
            const single = book.choosing(3).fitting(one);
            return {start, order, cleared, again: JSON.stringify(again.json) === JSON.stringify(book.json), single: [single.label, single.current.points[0].x],
              other: new PromptBook().with(at(4)).fitting(several).pages.map(([label, {points}]) => [label, points[0].x])};""")
        self.assertEqual(seen, {"start": 1, "order": [[3, 8], [1, 9]], "cleared": [3], "again": True, "single": [None, 8], "other": [[1, 4]]})

    def test_tells_label_maps_from_masks(self) -> None:
        looks = lambda values: self.run_module("return (await import('/js/tasks/draft-labels.js')).looksLikeLabels(given[0]);", values)
        for values, expected in (
            ([1], False), ([255], False), ([1, 2], True), ([1, 3, 7, 254], True), ([64, 128, 255], False), (list(range(1, 34)), False), ([], False),
        ):
            self.assertEqual(looks(values), expected, values)
        seen = self.run_module("""
            const {DraftLabels} = await import('/js/tasks/draft-labels.js');
            const state = (labels) => [labels.isMap, labels.request ?? null];
            const labels = new DraftLabels();
            const seen = [state(labels)];
            labels.entries[0].name = 'heart'; seen.push(state(labels));
            labels.take([[1, 4], [4]]); seen.push(state(labels));
            labels.kind = 'object'; labels.take([[1, 4], [4]]); seen.push(state(labels));
            labels.kind = 'auto'; labels.take([[255], [255]]); seen.push(state(labels));
            labels.add(); seen.push(state(labels));
            return seen;""")
        self.assertEqual(seen, [
            [False, None], [False, ["heart"]], [True, {"1": "heart", "4": "label 4"}], [False, ["heart"]], [False, ["heart"]],
            [True, {"1": "heart", "4": "label 4", "5": "label 5"}]])
