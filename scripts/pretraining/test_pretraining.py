"""`python -m unittest` in this folder: seconds, no data needed."""

import multiprocessing
import os
import tempfile
import time
import types
import unittest
import unittest.mock
from dataclasses import replace
from pathlib import Path

import numpy as np
import segment_anything
import torch

import attention
import evaluate
import failures
import loss
from export import write_model
from model import Configuration, Sam, deepened, drawn, grown, initialise, mask_prompt, normalise
from optimisers import optimisers
from pretrain import Run, corrections
from prototypes import similarity
from sampling import (
    BANK,
    Sampler,
    choose_target,
    extent,
    focus,
    share_of_extent,
    simulated_box,
    simulated_points,
)
from team import Team
from scenes import (
    composite_scene,
    patient_of,
    phantom_scene,
    phantoms,
    segments_scene,
    shapes_scene,
    sketch_scene,
    sketches,
    synthetic_bank,
    things_scene,
    validation_patients,
)


def small():
    torch.manual_seed(0)
    return Sam(Configuration().at(64)).eval()


class Model(unittest.TestCase):
    def test_decode_equals_the_original_decoder(self):
        model = small()
        e = torch.randn(1, 128, 8, 8)
        for prompt in (
            {},
            {"boxes": torch.tensor([[3.0, 5, 40, 50]])},
            {"points": torch.tensor([[[7.0, 9], [30, 31]]]), "labels": torch.tensor([[1.0, 0]])},
            {"boxes": torch.tensor([[3.0, 5, 40, 50]]), "masks": torch.randn(1, 1, 32, 32)},
        ):
            sparse, dense = model.prompt(**prompt)
            with torch.no_grad():
                ours, iou = model.decode(e, sparse, dense)
                theirs, their_iou = model.mask_decoder.predict_masks(
                    e, model.prompt_encoder.get_dense_pe(), sparse, dense
                )
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(iou, their_iou, rtol=1e-4, atol=1e-5)

    def test_attention_equals_the_package(self):
        """Values and gradients, with a table small enough to be kept and with one made head by head."""
        image = segment_anything.modeling.image_encoder.Attention(20, 5, use_rel_pos=True, input_size=(6, 7))
        for table in (image.rel_pos_h, image.rel_pos_w):
            torch.nn.init.normal_(table)
        token = segment_anything.modeling.transformer.Attention(24, 4, downsample_rate=2)
        x = torch.randn(2, 6, 7, 20)
        q, k, v = torch.randn(2, 9, 24), torch.randn(2, 15, 24), torch.randn(2, 15, 24)
        for layer, fast, inputs in (
            (image, attention.image_attention, (x,)),
            (token, attention.token_attention, (q, k, v)),
        ):
            for large in (attention.LARGE, 1):
                with unittest.mock.patch.object(attention, "LARGE", large if layer is image else attention.LARGE):
                    found = self.value_and_gradients(layer, lambda *y: fast(layer, *y), inputs)
                for a, b in zip(found, self.value_and_gradients(layer, layer, inputs)):
                    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

    @staticmethod
    def value_and_gradients(layer, function, inputs):
        inputs = [x.clone().requires_grad_() for x in inputs]
        value = function(*inputs)
        return [value, *torch.autograd.grad(value.square().sum(), [*inputs, *layer.parameters()])]

    def test_mask_prompts_are_surer_farther_from_their_outline(self):
        # the same figures as in Tests/SegmentAnythingTests/PromptTests.swift
        coverage = torch.zeros(3, 8, 16)
        coverage[0, :, 8:] = 1
        coverage[1, :, 4] = 0.1
        coverage[2] = 1
        half, line, full = mask_prompt(coverage, [(8, 16)] * 3)[:, 0]
        padded = mask_prompt(torch.nn.functional.pad(coverage, (0, 0, 0, 8)), [(8, 16)] * 3)[:, 0]
        self.assertTrue(torch.equal(padded[:, :8], torch.stack([half, line, full])) and (padded[:, 8:] == -4).all())
        row = torch.tensor([-4, -4, -4, -4, -4, -3.5, -2.5, -1.5, 1.5, 2.5, 3.5, 4, 4, 4, 4, 4])
        self.assertTrue(torch.allclose(half, row.expand(8, -1)))
        self.assertTrue(torch.allclose(line[7], torch.where(torch.arange(16) == 4, -3.8, -4.0)))
        self.assertTrue((full == 4).all())

    def test_drawn_prompts_show_the_box_and_every_point(self):
        c = Configuration().at(64)
        self.assertIsNone(drawn(c))
        box = torch.tensor([[8.0, 16.0, 39.0, 31.0]])
        shown = drawn(c, boxes=box)[0, 0]
        self.assertEqual(shown.shape, (32, 32))
        y, x = torch.meshgrid(torch.arange(32) * 2 + 0.5, torch.arange(32) * 2 + 0.5, indexing="ij")
        inside = ((x - 23.5) / 16) ** 2 + ((y - 23.5) / 8) ** 2 < 1
        self.assertTrue(((shown > 0) == inside).all())
        clicked = drawn(c, torch.tensor([[[20.0, 40.0], [50.0, 10.0]]]), torch.tensor([[1.0, 0.0]]), box)[0, 0]
        change = clicked - shown
        self.assertEqual(divmod(int(change.argmax()), 32), (20, 10))
        self.assertEqual(divmod(int(change.argmin()), 32), (5, 25))

    def test_corrections_fall_where_the_mask_is_wrong(self):
        torch.manual_seed(1)
        target = torch.zeros(2, 16, 16)
        target[:, 4:12, 4:12] = 1
        logits = torch.full((2, 16, 16), -1.0)
        logits[0, 4:12, :8] = 1  # misses the right half and takes too much on the left; the second finds nothing
        points, labels = corrections(torch.tensor([[[10.0, 10.0]], [[11.0, 11.0]]]), logits, target, 40, 32)
        self.assertEqual(points.shape, (2, 40, 2))
        for i in range(2):
            cell = ((points[i, 1:] + 0.5) / 2).long().clamp(max=15)
            truth = target[i, cell[:, 1], cell[:, 0]]
            self.assertTrue(((logits[i, cell[:, 1], cell[:, 0]] > 0) != (truth > 0)).all())
            torch.testing.assert_close(labels[i, 1:], truth)

    def test_normalise_leaves_padding_zero(self):
        x = normalise(torch.full((1, 64, 64, 3), 200, dtype=torch.uint8), [(40, 64)])
        self.assertTrue((x[:, :, 40:] == 0).all() and (x[:, :, :40] != 0).all())

    def test_growing_interpolates_positions_and_copies_the_rest(self):
        old, new = small(), Sam(Configuration().at(128))
        state = grown(old.state_dict(), new)
        new.load_state_dict(state)
        self.assertEqual(state["image_encoder.pos_embed"].shape, (1, 16, 16, 160))
        self.assertEqual(state["image_encoder.blocks.2.attn.rel_pos_h"].shape, (31, 32))
        torch.testing.assert_close(state["mask_decoder.iou_token.weight"], old.mask_decoder.iou_token.weight)
        with self.assertRaises(ValueError):
            grown({"mask_decoder.iou_token.weight": torch.zeros(1, 3)}, new)

    def test_deepening_changes_nothing_at_first(self):
        old = small()
        new = deepened(old, [1, 2]).eval()
        self.assertEqual((new.configuration.depth, new.configuration.global_blocks), (8, (3, 4, 7)))
        self.assertEqual(Configuration.read(new.configuration.json()), new.configuration)
        sample = torch.randn(2, 3, 64, 64)
        torch.testing.assert_close(new.image_encoder(sample), old.image_encoder(sample))
        new.image_encoder(sample).square().mean().backward()
        self.assertGreater(float(new.image_encoder.blocks[2].attn.proj.weight.grad.abs().max()), 0)
        torch.testing.assert_close(new.mask_decoder.iou_token.weight, old.mask_decoder.iou_token.weight)

    def test_windowed_heads_start_local(self):
        model = small()
        initialise(model, torch.randn(4, 3, 64, 64))
        attention = model.image_encoder.blocks[0].attn
        query = attention.qkv.bias[:32]
        towards = attention.rel_pos_h @ query  # head 0 looks straight at its own row
        self.assertEqual(int(towards.argmax()), len(towards) // 2)

    def test_weights_file_round_trip(self):
        model = small()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m.safetensors"
            written = set()
            for _ in range(8):
                write_model(model, path, {"note": 1})
                written.add(path.read_bytes())
            self.assertEqual(len(written), 1, "the same weights have one hash")
            again = evaluate.load(path)
        self.assertEqual(again.configuration, model.configuration)
        for name, value in model.state_dict().items():
            torch.testing.assert_close(again.state_dict()[name], value.half().float())


def few_scenes():
    """(real scenes, bank) in little, all of them drawn."""
    real = [phantom_scene("cardiac", (9, 1))]
    bank = {k: [phantom_scene(k, (9, 0))] for k in ("cardiac", "abdomen", "retina", "nuclei")}
    bank["shapes"] = [shapes_scene((9, i)) for i in range(4)]
    bank["things"] = [things_scene((9, i)) for i in range(4)]
    bank["segments"] = [segments_scene(np.random.default_rng(0), real[0])]
    bank["composites"] = [composite_scene(np.random.default_rng(0), real)]
    bank |= {k: [sketch_scene(k, (9, 0))] for k in sketches.KINDS}
    return real, bank


class Step(unittest.TestCase):
    def test_each_image_is_asked_by_its_own_prompts(self):
        """A step's loss is a mean over images, so their order must not matter. It did when every image was shown the box of
        the first."""
        sampler = Sampler(*few_scenes(), 4)
        batch = next(b for b in (sampler.batch(4, 64) for _ in range(50)) if not b.corrects and not b.support)
        turned = types.SimpleNamespace(**vars(batch))
        turned.image_size = batch.image_size
        for name in ("pixels", "target", "whole", "whole_weight", "boxes", "point", "points", "labels"):
            setattr(turned, name, getattr(batch, name).flip(0))
        turned.sizes = batch.sizes[::-1]
        options = types.SimpleNamespace(device="cpu", bf16=False)
        run = types.SimpleNamespace(model=small(), o=options)
        run.model.prompt_encoder.mask_downscaling[-1].weight.data.mul_(50)  # what is drawn must tell
        with torch.no_grad():
            (total, parts), (again, same) = Run.forward(run, batch), Run.forward(run, turned)
        torch.testing.assert_close(total, again, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(parts, same, rtol=1e-4, atol=1e-5)

    def test_every_weight_has_one_optimiser(self):
        model = small()
        groups = [group for optimiser in optimisers(model, 1e-3) for group in optimiser.param_groups]
        held = [id(p) for group in groups for p in group["params"]]
        self.assertEqual(len(held), len(set(held)))
        self.assertEqual(set(held), {id(p) for p in model.parameters()})

    def test_a_team_of_two_takes_the_step_of_their_mean(self):
        with tempfile.TemporaryDirectory() as folder:
            torch.multiprocessing.spawn(_average, (folder,), 2)
            for rank in range(2):
                found = torch.load(Path(folder) / f"{rank}.pt", weights_only=True)
                torch.testing.assert_close(found["mean"], torch.tensor([[1.0, 3.0], [2.0, 4.0]]))
                self.assertTrue(found["worst"].isnan().all())
                self.assertEqual(found["shared"].tolist(), [0.0])
                self.assertEqual(found["gathered"], ["process 0", "process 1"])


    def test_a_team_ends_with_the_command_that_began_it(self):
        with tempfile.TemporaryDirectory() as folder:
            command = multiprocessing.get_context("spawn").Process(target=_begin, args=(folder,))
            command.start()
            pids = [Path(folder) / f"{rank}.pid" for rank in range(2)]
            self.assertTrue(_until(lambda: all(p.exists() for p in pids)), "both have taken a step")
            command.kill()
            command.join()
            for pid in pids:
                self.assertTrue(_until(lambda: _has_ended(int(pid.read_text()))), f"{pid} has ended")


def _begin(folder):
    torch.multiprocessing.spawn(_work, (folder, os.getpid()), 2)


def _work(rank, folder, parent):
    """Steps for ever, and says that it does."""
    team = Team(rank, 2, f"{folder}/meeting-place", parent)
    while True:
        team.average([torch.zeros(1)])
        written = Path(folder) / f"{rank}.part"
        written.write_text(str(os.getpid()))
        written.rename(Path(folder) / f"{rank}.pid")


def _has_ended(pid):
    """A zombie has: nobody may be there to wait for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def _average(rank, folder):
    """One process of a team: what it holds differs by rank in all that is averaged."""
    team = Team(rank, 2, f"{folder}/meeting-place")
    mean = torch.tensor([[0.0, 2.0], [1.0, 3.0]]) + 2 * rank
    worst, shared = torch.tensor([1.0, float("nan")][rank : rank + 1]), torch.tensor([float(rank)])
    team.average([mean, worst])
    team.share([shared])
    found = {"mean": mean, "worst": worst, "shared": shared, "gathered": team.gathered(f"process {rank}")}
    torch.save(found, f"{folder}/{rank}.pt")
    team.wait()


class Loss(unittest.TestCase):
    def test_perfect_and_wrong_masks(self):
        target = torch.zeros(1, 8, 8)
        target[:, 2:6, 2:6] = 1
        logits = (target * 2 - 1) * 30
        self.assertLess(float(loss.dice(logits, target)), 1e-3)
        self.assertLess(float(loss.focal(logits, target)), 1e-3)
        self.assertGreater(float(loss.dice(-logits, target)), 0.9)
        self.assertAlmostEqual(float(loss.reached_iou(logits, target)), 1, places=4)

    def test_best_of_three_is_what_is_taught(self):
        target = torch.zeros(1, 8, 8)
        target[:, 2:6, 2:6] = 1
        logits = torch.stack([(target - 0.5)] * 4, 1).requires_grad_()
        with torch.no_grad():
            logits[:, 3] += 0.3 * (target - 0.5)
        loss.slot(logits, torch.zeros(1, 4), target, multimask=True)[0].backward()
        size = logits.grad.abs().sum((0, 2, 3))
        self.assertGreater(float(size[3]), 5 * float(size[1]))


class Sampling(unittest.TestCase):
    def test_prompts_lie_where_they_should(self):
        rng = np.random.default_rng(0)
        mask = np.zeros((40, 60), bool)
        mask[10:20, 0:30] = True
        np.testing.assert_array_equal(extent(mask), [0, 10, 29, 19])
        for _ in range(200):
            box = simulated_box(rng, mask)
            self.assertTrue((np.abs(box - extent(mask)) <= [4, 2, 4, 2]).all() and (box >= 0).all())
            points, labels = simulated_points(rng, mask, 4, 0.5)
            for (x, y), label in zip(points.astype(int), labels):
                self.assertEqual(bool(mask[y, x]), bool(label))
            self.assertEqual(labels[0], 1)

    def test_batches_repeat_with_the_seed(self):
        real, bank = few_scenes()
        self.assertEqual(bank.keys(), BANK.keys())
        one, two = (Sampler(real, bank, 5).batch(6, 64) for _ in range(2))
        self.assertTrue(torch.equal(one.pixels, two.pixels) and torch.equal(one.boxes, two.boxes))
        self.assertTrue(torch.isfinite(one.target).all() and float(one.target.max()) <= 1)
        sampler = Sampler(real * 2 + [phantom_scene("cardiac", (9, 2))], bank, 5)
        episodes = [b.support for b in (sampler.batch(4, 64) for _ in range(12)) if b.support]
        self.assertTrue(episodes)
        for support in episodes:
            self.assertEqual(support.pixels.shape, (8, 64, 64, 3))
            self.assertEqual(len(support.weight), 4)

    def test_a_window_about_a_target_holds_it_or_is_filled_by_it(self):
        rng = np.random.default_rng(0)
        mask = np.zeros((90, 120), bool)
        mask[70:88, 3:33] = True
        cut = 0
        for _ in range(200):
            x0, y0, x1, y1 = focus(rng, mask)
            self.assertTrue(0 <= x0 and 0 <= y0 and x1 <= 120 and y1 <= 90)
            self.assertAlmostEqual(float(x1 - x0), float(y1 - y0), 3)
            seen = max(0, min(x1, 33) - max(x0, 3))
            if x1 - x0 >= 1.3 * 30:
                self.assertTrue(x0 <= 3 and y0 <= 70 and x1 >= 33 and y1 >= 88)
            else:
                self.assertGreater(seen, 0.6 * (x1 - x0))
                cut += seen < 30
        self.assertTrue(5 < cut < 60)

    def test_failures_are_asked_for_within_their_truth(self):
        for kind, prompt, label in failures.KINDS:
            image, truth, prompts = failures.question(kind, prompt, label, 3)
            self.assertEqual(image.shape[:2], truth.shape)
            for point in prompts.get("points", []):
                self.assertTrue(truth[point["y"], point["x"]])
            for box in prompts.get("boxes", []):
                np.testing.assert_array_equal(extent(truth), list(box.values()))
            shown = failures.panel("a title", image, truth, ~truth, prompts)
            self.assertEqual(shown.shape, (failures.SIDE + 18, failures.SIDE, 3))

    def test_how_much_of_its_extent_a_mask_fills(self):
        mask = np.zeros((20, 30), bool)
        mask[4:12, 10:20] = True
        self.assertEqual(share_of_extent(mask), 1)
        line = np.zeros((20, 30), bool)
        line[np.arange(20), np.arange(20)] = True
        self.assertEqual(share_of_extent(line), 1 / 20)

    def test_made_scenes_repeat_and_show_something(self):
        real = [phantom_scene("cardiac", (9, 1)), phantom_scene("nuclei", (9, 1))]
        makers = [
            lambda i: things_scene((9, i), 96),
            lambda i: segments_scene(np.random.default_rng(i), real[i % 2]),
            lambda i: composite_scene(np.random.default_rng(i), real, 96),
        ]
        for make in makers:
            for i in range(6):
                one, two = make(i), make(i)
                np.testing.assert_array_equal(one.image, two.image)
                self.assertEqual(one.labels.shape, one.image.shape[:2])
                self.assertTrue(one.labels.any() and not one.labels.all())

    def test_sketches_repeat_and_their_labels_lie_on_them(self):
        for kind in sketches.KINDS:
            for i in range(4):
                one, two = (sketch_scene(kind, (9, i)) for _ in range(2))
                np.testing.assert_array_equal(one.image, two.image)
                self.assertEqual(one.labels.shape, one.image.shape[:2])
                self.assertTrue(one.labels.any() and one.image.std() > 5, (kind, i))
                if one.salient:
                    self.assertTrue(np.isin(one.labels, one.salient).any(), (kind, i, one.salient))

    def test_a_sketch_without_a_promptless_target_teaches_none(self):
        rng = np.random.default_rng(0)
        scene = sketch_scene("belly", (9, 0))
        self.assertEqual(scene.salient, ())
        for _ in range(30):
            target, weight, values = choose_target(rng, scene)
            self.assertTrue(target.any() and weight == 0 and len(values) <= 1)

    def test_a_bank_keeps_what_scenes_have_as_promptless_target(self):
        with tempfile.TemporaryDirectory() as folder:
            counts = {"belly": 1, "neuropil": 1, "head": 1}
            drawn_now, read_again = (synthetic_bank(counts, Path(folder), []) for _ in range(2))
            for kind, (scene,) in read_again.items():
                self.assertEqual(scene.salient, drawn_now[kind][0].salient)
                self.assertEqual(scene.salient, sketch_scene(kind, (1, 0)).salient)
                self.assertEqual(scene.instances, kind == "neuropil")

    def test_the_fundus_has_its_disc_where_the_image_is_brightest(self):
        p, rim, cup = phantoms.fundus(np.random.default_rng(1), 160, 0.08, 1.5)
        self.assertTrue(rim.any() and cup.any() and not (rim & cup).any())
        grey = p.image.mean(2)
        self.assertGreater(grey[cup].mean(), grey[rim].mean())
        self.assertGreater(grey[rim].mean(), grey[grey > 20].mean())

    def test_an_empty_scene_has_no_target(self):
        scene = phantom_scene("cardiac", (9, 0))
        scene.labels = np.zeros_like(scene.labels)
        self.assertIsNone(choose_target(np.random.default_rng(0), scene)[0])


    def test_support_shows_the_same_label_in_other_images(self):
        real = [phantom_scene("cardiac", (9, i)) for i in range(3)]
        sampler = Sampler(real, {}, 3)
        found = sampler.siblings(real[0], (1,), 5, 64)
        self.assertEqual(len(found), 2)
        for pixels, size, target in found:
            self.assertEqual(pixels.shape, (64, 64, 3))
            self.assertGreater(float(target.sum()), 0)
        self.assertEqual(sampler.siblings(real[0], (), 5, 64), [])
        self.assertEqual(sampler.siblings(real[0], (77,), 5, 64), [])


class Prototypes(unittest.TestCase):
    def test_the_map_finds_what_the_support_marks(self):
        torch.manual_seed(2)
        coverage = torch.zeros(2, 3, 6, 6)
        coverage[:, :, 1:4, 2:5] = 1
        direction = torch.randn(8)
        noise = 0.1 * torch.randn(2, 4, 8, 6, 6)
        features = noise[:, :3] + coverage[:, :, None] * direction[:, None, None]
        truth = torch.zeros(6, 6)
        truth[3:6, 0:2] = 1
        query = noise[:, 3] + truth * direction[:, None, None]
        odds = similarity(query, features, coverage, torch.ones_like(coverage))
        self.assertTrue(((odds[:, 0] > 0) == (truth > 0)).all())
        padded = similarity(query, features, coverage, coverage)  # nothing but the object is shown: no background
        self.assertTrue(torch.isfinite(padded).all())


class Split(unittest.TestCase):
    def test_patients(self):
        self.assertEqual(patient_of("chase_db1", "Image_03R"), "03")
        self.assertEqual(patient_of("spleen_ct", "10019_spleen_3"), "spleen_3")
        self.assertEqual(patient_of("busi", "benign_2_"), "benign_2_")

    def test_held_out_patients_are_whole_and_stable(self):
        patients = [f"p{i}" for i in range(20)]
        held = validation_patients("a", patients)
        self.assertEqual(len(held), 4)
        self.assertEqual(held, validation_patients("a", patients[::-1] * 3))
        self.assertEqual(validation_patients("a", ["only"] * 9), set())


class Scores(unittest.TestCase):
    def test_windows_of_boxes(self):
        for box, (width, height), window in [  # the rows of Tests/SegmentAnythingTests/FocusTests.swift
            ((100, 80, 139, 99), (300, 200), (80, 50, 160, 130)),
            ((0, 0, 29, 29), (300, 200), (0, 0, 60, 60)),
            ((280, 185, 299, 199), (300, 200), (260, 160, 300, 200)),
            ((50, 50, 51, 51), (300, 200), (39, 39, 63, 63)),
            ((100, 10, 149, 20), (300, 40), (75, 0, 175, 40)),
            ((10.5, 20.25, 40.5, 30.75), (200, 100), (0, 0, 62, 62)),
            ((0, 0, 129, 99), (300, 200), None),
        ]:
            self.assertEqual(evaluate.focused_window(box, (height, width)), window)

    def test_points_are_looked_at_closely_where_something_was_found(self):
        # as in Tests/SegmentAnythingTests/InquiryTests.swift: a cell is 20 pixels
        view = evaluate.View(np.zeros((240, 320), np.uint8), None, 32)
        logits = torch.full((16, 16), -5.0)
        logits[4:6, 4:6] = logits[0:2, 13:16] = 5
        near, beside = np.array([[100.0, 100.0]]), np.array([[70.0, 100.0]])
        self.assertEqual(evaluate.found_extent(logits, view, near), (80, 80, 119, 119))
        self.assertEqual(evaluate.found_extent(logits, view, beside), (70, 0, 319, 119))
        self.assertIsNone(evaluate.found_extent(torch.full((16, 16), -5.0), view, near))
        self.assertIsNone(evaluate.focused_window(None, (240, 320)))

    def test_prompts_lie_where_training_finds_them(self):
        """A mask that is enlarged first has its extent where the box of the original is placed."""
        mask = np.zeros((20, 24), bool)
        mask[5:11, 3:15] = True
        large = mask.repeat(8, 0).repeat(8, 1)
        scale = torch.full((1, 2), 8.0)
        boxes = torch.from_numpy(extent(mask))[None]
        c = Configuration()
        np.testing.assert_allclose(evaluate.placed_boxes(c, boxes, scale)[0], extent(large))
        middle = evaluate.placed_points(c, torch.tensor([[[3.0, 5.0]]]), scale)[0, 0]
        np.testing.assert_allclose(middle, [8 * 3 + 3.5, 8 * 5 + 3.5])
        old = replace(c, drawn_prompts=False)
        np.testing.assert_allclose(evaluate.placed_boxes(old, boxes, scale)[0], 8 * extent(mask))

    def test_masks_return_to_the_image_size(self):
        truth = np.zeros((90, 120), bool)
        truth[20:60, 30:90] = True
        pixels, filled, _ = evaluate.prepared(np.zeros((90, 120, 3), np.uint8), 64)
        self.assertEqual(filled, (48, 64))
        low = torch.full((32, 32), -5.0)
        low[5:16, 8:24] = 5
        self.assertGreater(evaluate.dice(evaluate.at_own_size(low, filled, truth.shape), truth), 0.95)

    def test_inscribed_ellipse(self):
        area = evaluate.ellipse(np.array([10, 20, 49, 39]), (64, 64)).sum()
        self.assertAlmostEqual(area / (np.pi * 20 * 10), 1, places=1)


if __name__ == "__main__":
    unittest.main()
