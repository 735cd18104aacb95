import { h, fill, field } from '../dom.js';
import { dropZone } from '../files.js';
import { decimal, percent } from '../format.js';
import { announce, complain } from '../messages.js';
import { colourOf, setColour } from '../palette.js';
import { labelName } from '../labels.js';
import { swatch } from '../swatch.js';
import { curlCommand, exportAnswer, exportMask, methodsParagraph } from './export.js';
import { legend } from './legend.js';
import { measureList } from './measures.js';
import { isByLikeness, isHelpedByLikeness } from './session.js';

/** The side of the segment view, from what is opened down to what is taken along. */
export class Panels {
  constructor(view) {
    this.view = view;
    this.parts = {
      source: this.makeSource(), prompts: h('section', { class: 'panel' }), result: h('section', { class: 'panel' }),
      display: this.makeDisplay(), truth: this.makeTruth(), exports: this.makeExports(),
    };
    this.element = h('div', { class: 'panels' }, Object.values(this.parts));
  }

  get session() { return this.view.session; }

  setTasks(tasks) {
    fill(this.taskSelect,
      h('option', { value: '' }, 'No task: the base model'),
      tasks.map((task) => h('option', { value: task.id }, task.name)));
  }

  makeSource() {
    const { view } = this;
    this.taskSelect = h('select', { onchange: () => view.chooseTask(this.taskSelect.value) },
      h('option', { value: '' }, 'No task: the base model'));
    this.tier = h('p', { class: 'small quiet' });
    this.imageName = h('p', { class: 'imagename grow' });
    this.closeButton = h('button', { class: 'plain', 'aria-label': 'Close the image',
      title: view.features.imageDeletion ? 'Put the image away, here and, if this page has sent it, on the server' : 'Put the image away',
      onclick: () => view.closeImage().catch(complain) }, '✕');
    this.progress = h('progress', { max: '1', value: '0', 'aria-label': 'Upload', hidden: true });
    this.versionPlace = h('div');
    this.spacing = ['x', 'y'].map((axis) => h('input', {
      type: 'number', min: '0.000001', step: 'any', 'aria-label': `Pixel spacing in ${axis}, millimetres`, placeholder: axis, size: '5',
      onchange: () => this.takeSpacing(),
    }));
    return h('section', { class: 'panel', 'aria-label': 'Image' },
      view.batch ? this.makeBatchBar() : null,
      field('Task', this.taskSelect), this.tier, this.versionPlace,
      view.batch ? null : dropZone({ text: 'Drop an image', label: 'Open image' }, ([{ file }]) => view.open(file, file.name)),
      this.progress, h('div', { class: 'row nowrap' }, this.imageName, view.batch ? null : this.closeButton),
      h('div', { class: 'row tight nowrap' }, h('span', { class: 'small quiet grow' }, 'Spacing, mm'), this.spacing));
  }

  makeBatchBar() {
    const { view } = this;
    this.acceptButton = h('button', { class: 'primary', onclick: () => view.acceptCorrection().catch(complain) }, 'Accept correction');
    return h('div', { class: 'row nowrap batchbar' }, this.acceptButton, h('a', { href: '#/batch', class: 'button', 'aria-label': 'Back to the batch' }, 'Back'));
  }

  makeDisplay() {
    const { view } = this;
    const { display } = view;
    const show = () => view.showMasks();
    this.opacity = h('input', { type: 'range', min: '0', max: '1', step: '0.05', value: String(display.opacity),
      oninput: () => {
        display.opacity = Number(this.opacity.value);
        show();
      } });
    const check = (caption, name) => {
      const input = h('input', { type: 'checkbox', checked: display[name], onchange: () => {
        display[name] = input.checked;
        show();
      } });
      return h('label', { class: 'check' }, input, caption);
    };
    this.colour = h('input', { type: 'color', value: colourOf(null), 'aria-label': 'Colour of the mask', onchange: () => {
      setColour(this.session.task?.id, 0, this.colour.value);
      this.session.labels.list[0].colour = this.colour.value;
      show();
    } });
    this.modes = h('div', { class: 'field' });
    return h('section', { class: 'panel', 'aria-label': 'Display' }, h('h2', {}, 'Display'), this.modes,
      field('Opacity', this.opacity),
      h('div', { class: 'row' }, check('Fill', 'isFilled'), check('Contour', 'hasContour'), check('Prompts', 'hasMarks'),
        h('span', { class: 'grow' }), this.colour));
  }

  nudgeOpacity(change) {
    this.opacity.value = String(Number(this.opacity.value) + change);
    this.opacity.dispatchEvent(new Event('input'));
  }

  makeTruth() {
    const { view } = this;
    this.truthName = h('p', { class: 'small' });
    this.truthClear = h('button', { onclick: () => this.takeTruth(null) }, 'Take away');
    return h('section', { class: 'panel', 'aria-label': 'Ground truth' }, h('h2', {}, 'Ground truth'),
      dropZone({ text: 'Drop a true mask', label: 'Open mask' }, ([{ file }]) => this.takeTruth(file)),
      h('div', { class: 'row' }, this.truthName, this.truthClear));
  }

  makeExports() {
    this.maskButton = h('button', { onclick: () => exportMask(this.session).catch(complain) });
    this.curlButton = h('button', { onclick: () => this.copy('curl') }, 'Copy curl');
    this.answerButtons = [
      h('button', { onclick: () => exportAnswer(this.session) }, 'Answer (JSON)'),
      h('button', { onclick: () => this.copy('methods') }, 'Copy methods'),
    ];
    this.curl = h('pre', { class: 'mono', tabindex: '0', 'aria-label': 'curl command' });
    this.methods = h('p', { class: 'small methods' });
    return h('section', { class: 'panel', 'aria-label': 'Export' }, h('h2', {}, 'Export'),
      h('div', { class: 'row exports' }, this.maskButton, this.answerButtons[0], this.curlButton, this.answerButtons[1]),
      h('details', {}, h('summary', {}, 'curl command'), this.curl),
      h('details', {}, h('summary', {}, 'Methods paragraph'), this.methods));
  }

  /** The clipboard is there on localhost and https only; elsewhere the text is opened, to be copied by hand. */
  async copy(what) {
    const element = what === 'curl' ? this.curl : this.methods;
    element.closest('details').open = true;
    try {
      await navigator.clipboard.writeText(element.textContent);
      announce('Copied');
    } catch {
      getSelection().selectAllChildren(element);
      announce('Selected. Copy it with Control C.');
    }
  }

  showUpload(share) {
    this.progress.hidden = share === null;
    if (share !== null) this.progress.value = share;
  }

  takeSpacing() {
    const values = this.spacing.map((input) => (input.value === '' ? null : Number(input.value)));
    const known = values.filter((value) => value !== null && value > 0);
    this.session.spacing = known.length === 0 ? null : [values[0] ?? values[1], values[1] ?? values[0]];
    this.view.ask();
  }

  async takeTruth(file) {
    try {
      await this.session.setTruth(file, file?.name);
      await this.session.keepTruth();
      this.view.ask();
      this.view.showMasks();
    } catch (error) {
      complain(error);
    }
  }

  refresh() {
    this.refreshSource();
    this.refreshPrompts();
    this.refreshResult();
    this.refreshModes();
    const hasAnswer = this.session.isShown;
    this.maskButton.textContent = this.session.labels.isMap ? 'Label map (PNG)' : 'Mask (PNG)';
    const isWorthKeeping = this.session.worthKeeping.length > 0;
    for (const button of [this.maskButton, this.curlButton]) button.disabled = !hasAnswer;
    for (const button of this.answerButtons) button.disabled = !isWorthKeeping;
    // Before the answer to the last click is there, the mask is that of the one before.
    if (this.acceptButton) this.acceptButton.disabled = !hasAnswer || this.view.isPending === true;
    this.curl.textContent = hasAnswer ? curlCommand(this.session) : '';
    this.methods.textContent = isWorthKeeping ? methodsParagraph(this.session) : '';
    this.truthName.textContent = this.session.truth?.name ?? '';
    this.truthClear.hidden = this.session.truth === null;
  }

  refreshSource() {
    const { session, view } = this;
    const { task } = session;
    this.taskSelect.value = task?.id ?? '';
    this.taskSelect.disabled = view.batch !== null;
    this.tier.textContent = task === null ? 'The base model answers points and boxes.'
      : task.tier === 'adapted' ? `Answers come from adapter version ${task.served_version}.`
        : `The base model answers: ${task.tier_reason ?? 'there is no adapter'}.`;
    this.imageName.textContent = session.name ?? '';
    this.closeButton.hidden = session.file === null;
    const effective = session.effectiveSpacing;
    this.spacing.forEach((input, axis) => {
      if (document.activeElement !== input) input.value = session.spacing?.[axis] ?? '';
      input.placeholder = effective ? String(effective[axis]) : ['x', 'y'][axis];
    });
    this.colour.value = session.labels.list[0].colour;
    this.colour.hidden = session.labels.areSeveral;
    this.refreshVersions();
  }

  /** Built anew for other versions only: whoever chooses with the keyboard keeps the focus, and an open list stays open. */
  refreshVersions() {
    const { session, view } = this;
    const versions = view.features.pinVersion ? (session.task?.versions ?? []).map(({ version }) => version) : [];
    if (String(versions) !== String(this.versions ?? [])) {
      this.versions = versions;
      this.versionSelect = h('select', { onchange: () => {
        const { value } = this.versionSelect;
        session.version = value === '' ? null : Number(value);
        view.ask();
      } }, h('option', { value: '' }, 'The served one'), versions.map((version) => h('option', { value: version }, `Version ${version}`)));
      this.keepFocus(this.versionPlace, () => fill(this.versionPlace, versions.length > 1 ? field('Adapter', this.versionSelect) : null));
    }
    if (this.versionSelect) this.versionSelect.value = session.version ?? '';
  }

  refreshPrompts() {
    const { session, view } = this;
    const { prompts } = session;
    const take = (caption, label, next) => h('li', {}, h('span', {}, caption),
      h('button', { class: 'plain', 'aria-label': `Remove ${label}`, onclick: () => view.change(next()) }, '✕'));
    const rows = [
      prompts.box ? take(
        `Box ${prompts.box.x0}, ${prompts.box.y0} to ${prompts.box.x1}, ${prompts.box.y1}`, 'the box', () => prompts.withBox(null)) : null,
      prompts.points.map(({ x, y, label }, index) => take(
        `${label === 1 ? '+ object' : '− beside'} ${x}, ${y}`, `point ${index + 1}`, () => prompts.withoutPoint(index))),
    ];
    const toggle = (caption, name, title, isPossible = true) => {
      const input = h('input', { type: 'checkbox', checked: session.wants[name], disabled: !isPossible, onchange: () => {
        session.wants[name] = input.checked;
        view.ask();
      } });
      return h('label', { class: 'check', title }, input, caption);
    };
    const hasTiles = session.tileSide !== null;
    this.keepFocus(this.parts.prompts, () => fill(this.parts.prompts, h('h2', {}, 'Prompts'),
      session.labels.areSeveral ? this.labelChoice() : null,
      prompts.isEmpty
        ? h('p', { class: 'quiet small' }, session.file === null ? 'Open an image first.'
          : 'Click on the object; right click or Alt beside it; drag for a box.')
        : h('ul', { class: 'prompts' }, rows),
      h('div', { class: 'row toggles' },
        toggle('Alternatives', 'alternatives',
          hasTiles ? 'Tiles have none: candidates of different tiles make no whole' : 'All candidates of the model (A)', !hasTiles),
        view.features.maskPrompt ? toggle('Refine mask', 'refine', 'The mask shown goes along as a prompt with the next click; clicks alone mostly correct better') : null,
        view.features.instances ? toggle('Each object', 'instances', 'Without a prompt: one mask for each object', prompts.isEmpty) : null)));
  }

  refreshResult() {
    const { session, view } = this;
    const { answer } = session;
    const content = [h('h2', {}, 'Result')];
    if (session.isEmpty && !view.isPending) {
      content.push(h('p', { class: 'small' }, sourceText(answer)), h('p', { class: 'notice small' }, 'No object was found in this image.'));
    } else if (!session.isShown) {
      content.push(h('p', { class: 'quiet small' }, view.isPending ? 'Waiting for the server…'
        : answer ? 'Point at the object: without a prompt the base model does not know what you mean.' : 'Nothing yet.'));
    } else {
      content.push(h('p', { class: 'small' }, sourceText(answer)));
      if (answer.far_from_support?.warning) content.push(h('p', { class: 'notice small' }, warningText(answer.far_from_support)));
      if (answer.review?.needed) content.push(h('p', { class: 'notice small' }, `Look at it: ${answer.review.reason}`));
      if (!session.isComposed && session.current.every(({ json }) => json.found === false)) {
        content.push(h('p', { class: 'notice small' }, 'The object was not found in this image.'));
      }
      if (session.areAlternatives) content.push(this.alternatives());
      else if (session.current.length > 1 && !session.isComposed) content.push(this.objects());
      if (session.isComposed) content.push(legend(session, view.display.hidden, () => {
        view.showMasks();
        this.refreshPrompts();
      }));
      content.push(measureList(session));
    }
    this.keepFocus(this.parts.result, () => fill(this.parts.result, content));
    this.parts.result.setAttribute('aria-label', 'Result');
  }

  /** Which label the next click or box is of. */
  labelChoice() {
    const { session, view } = this;
    const button = (label) => {
      const isPointedAt = !session.book.of(label.value).isEmpty;
      return h('button', {
        role: 'radio', 'aria-checked': String(session.book.label === label.value), title: 'Clicks and boxes are of this label (L: the next one)',
        'aria-label': isPointedAt ? `${labelName(label)}, pointed at` : labelName(label), onclick: () => view.chooseLabel(label.value),
      }, swatch(label.colour), labelName(label), isPointedAt ? h('span', { class: 'quiet' }, '•') : null);
    };
    return h('div', { class: 'labelchoice', role: 'radiogroup', 'aria-label': 'Label of the prompts' }, session.labels.list.map(button));
  }

  alternatives() {
    const { session, view } = this;
    return h('div', { class: 'alternatives', role: 'radiogroup', 'aria-label': 'Alternatives' }, session.masks.map(({ json }, index) =>
      h('button', {
        role: 'radio', 'aria-checked': String(index === session.chosen), onclick: () => view.chooseAlternative(index),
      }, `${index + 1}`, h('span', { class: 'quiet' }, percent(json.score, 0)))));
  }

  objects() {
    const { session } = this;
    return h('ul', { class: 'objects' }, session.masks.map(({ json }, index) => h('li', {},
      swatch(colourOf(session.task?.id, index)), objectName(json, index), h('span', { class: 'quiet' }, ` ${json.area_px} px`))));
  }

  refreshModes() {
    const { session, view } = this;
    if (!view.features.uncertainty) return;
    const choices = [['mask', 'Mask'], ['probability', 'Probability'], ['uncertainty', 'Uncertainty']];
    this.keepFocus(this.modes, () => fill(this.modes, h('span', {}, 'Show'), h('div', { class: 'row tight' }, choices.map(([mode, caption]) =>
      h('button', { 'aria-pressed': String(view.display.mode === mode), onclick: () => {
        view.display.mode = mode;
        session.wants.uncertainty = mode !== 'mask';
        if (mode === 'mask') view.showMasks();
        else view.ask();
        this.refreshModes();
      } }, caption)))));
  }

  /** Rebuilds a part and gives the focus back to the control that stands where the focused one stood. */
  keepFocus(part, rebuild) {
    const controls = () => [...part.querySelectorAll('button, input, select')];
    const at = controls().indexOf(document.activeElement);
    rebuild();
    if (at >= 0) {
      const after = controls();
      (after[Math.min(at, after.length - 1)] ?? this.view.stage.element).focus({ preventScroll: true });
    }
  }
}

const objectName = ({ instance, label }, index) =>
  typeof instance === 'number' ? `${label ?? 'Object'} ${instance + 1}` : label ?? `Object ${index + 1}`;

/** Who made the mask. */
function sourceText(answer) {
  const { tier, adapter_version: version, receipt } = answer;
  const model = tier === 'adapted' ? `Adapter version ${version}` : 'Base model';
  const tiles = receipt.adaptation?.tile_side ? `, in tiles of ${receipt.adaptation.tile_side} px` : '';
  // Objects too thin for the model: it had no part in the mask.
  if (answer.promptless?.route === 'pixel-prototypes') return 'No model: pixel by pixel, by likeness to the examples';
  if (isHelpedByLikeness(answer)) return `${model}, helped by likeness to the examples`;
  return isByLikeness(answer) ? `${model}, by likeness to the examples` : model + tiles;
}

const warningText = ({ warning, value }) =>
  typeof warning === 'string' ? warning : `This image is unlike the task's examples${typeof value === 'number' ? ` (${decimal(value)})` : ''}.`;
