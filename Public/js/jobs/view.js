import { remove } from '../api.js';
import { fill, h } from '../dom.js';
import { duration, percent, plural, pValue, sentence } from '../format.js';
import { labelName } from '../labels.js';
import { announce, complain } from '../messages.js';
import { findingList } from '../tasks/findings.js';
import { tileSentence } from '../tasks/tiles.js';
import { follow, isEnded } from './follow.js';
import { labelTable, lossCurve, PROMPT_NAMES, scorePlot, scoreRows, scoreTable } from './plots.js';

const STATES = { queued: 'Waiting', running: 'Running', succeeded: 'Done', failed: 'Failed', cancelled: 'Cancelled' };

/** A job as it runs and what came of it. */
export class JobView {
  /**
   * @param {TaskLabels} labels Of the job's task.
   * @param {(job) => void} onEnd Called once, when a job that was seen running has ended.
   */
  constructor(id, features, labels, onEnd = () => {}) {
    this.id = id;
    this.labels = labels;
    this.features = features;
    this.onEnd = onEnd;
    this.element = h('section', { class: 'panel job', 'aria-label': 'Adaptation', dataset: { state: '' } }, h('h2', {}, 'Adaptation'));
    this.abort = new AbortController();
    this.wasRunning = false;
  }

  async start() {
    try {
      const job = await follow(this.id, this.features, (seen) => this.show(seen), this.abort.signal);
      if (job && this.wasRunning && !this.abort.signal.aborted) {
        announce(`The adaptation has ended: ${STATES[job.state]}`);
        this.onEnd(job);
      }
    } catch (error) {
      complain(error);
    }
  }

  stop() {
    this.abort.abort();
  }

  show(job) {
    this.wasRunning ||= !isEnded(job);
    this.element.dataset.state = job.state;
    const hadFocus = this.element.contains(document.activeElement);
    fill(this.element, h('h2', {}, 'Adaptation'), this.head(job), job.error ? this.failure(job.error) : null,
      h('div', { class: 'plots' },
        job.loss_curve?.length > 1 ? h('figure', {}, h('figcaption', {}, 'Loss'), lossCurve(job.loss_curve)) : null,
        this.scores(job.result)),
      labelTable(job.result?.held_out, (value) => this.labels.find(value)?.colour),
      job.result ? this.verdict(job.result) : null);
    if (hadFocus) this.element.querySelector('button')?.focus();
  }

  head(job) {
    const cancel = isEnded(job) ? null : h('button', {
      class: 'danger', disabled: job.cancel_requested === true, onclick: () => remove(`/v1/jobs/${job.id}`).catch(complain),
    }, job.cancel_requested ? 'Stopping…' : 'Cancel');
    const facts = isEnded(job)
      ? [job.result?.seconds ? duration(job.result.seconds) : null, job.result?.steps ? plural(job.result.steps, 'step') : null]
      : [job.phase, job.steps > 0 ? `step ${job.step} of ${job.steps}` : null,
        typeof job.eta_seconds === 'number' ? `${duration(job.eta_seconds)} left` : null];
    return h('div', {},
      h('div', { class: 'row' },
        h('strong', { class: { succeeded: 'good', failed: 'bad' }[job.state] ?? '' }, STATES[job.state] ?? job.state),
        h('span', { class: 'quiet grow' }, facts.filter(Boolean).join(' · ')), cancel),
      isEnded(job) ? null : h('div', { class: 'row' },
        h('progress', { max: '1', value: String(job.progress), 'aria-label': 'Progress', class: 'grow' }), percent(job.progress, 0)));
  }

  failure({ message, hint }) {
    return h('div', { class: 'problem', role: 'alert' }, h('p', {}, message), hint ? h('p', {}, hint) : null);
  }

  scores(result) {
    const scores = scoreRows(result);
    if (scores === null) return null;
    return [
      h('figure', {}, h('figcaption', {}, scores.isHeldOut ? 'Dice on held-out images' : 'Dice on the support set'), scorePlot(scores)),
      h('div', {}, scoreTable(scores), h('p', { class: 'small quiet' }, scores.note)),
    ];
  }

  /** How the adapter sees images; what the job chose stands in its own settings. */
  tiles({ adaptation }) {
    return typeof adaptation?.tiles === 'number' ? h('p', { class: 'quiet' }, tileSentence(adaptation.tiles)) : null;
  }

  verdict(result) {
    const gate = result.held_out?.gate;
    const more = result.held_out?.more_examples;
    // In tiles it is not estimated.
    const influence = (result.held_out?.influence ?? []).filter(({ dice_change: change }) => typeof change === 'number');
    return h('div', { class: 'verdict' },
      h('p', {}, h('strong', { class: result.served ? 'good' : 'warn' }, result.served ? 'The adapter is served. ' : 'This version is not served. '),
        sentence(result.served_reason), typeof gate?.p_value === 'number' ? h('span', { class: 'quiet' }, ` (${pValue(gate.p_value)})`) : null),
      gate?.prompts ? gateTable(gate.prompts, this.labels) : null,
      this.tiles(result),
      !result.held_out && result.held_out_reason ? h('p', { class: 'notice' }, `Not validated: ${result.held_out_reason}`) : null,
      more ? h('p', { class: 'quiet' },
        `${plural(more.examples, 'more example')} would probably change Dice by ${(more.gain * 100).toFixed(1)} ± ${(more.plus_minus * 100).toFixed(1)} points.`) : null,
      result.findings?.length > 0 ? h('details', {}, h('summary', {}, plural(result.findings.length, 'finding')), findingList(result.findings)) : null,
      result.recipes?.length > 1 ? recipeTable(result.recipes) : null,
      influence.length > 0 ? h('details', {}, h('summary', {}, 'What each example contributes'),
        h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Example'), h('th', { scope: 'col', class: 'number' }, 'Change in the Dice of the others'))),
          h('tbody', {}, influence.map(({ stem, dice_change: change }) => h('tr', {}, h('td', {}, stem),
            h('td', { class: 'number' }, `${change >= 0 ? '+' : '−'}${Math.abs(change * 100).toFixed(1)} points`)))))) : null);
  }
}

/**
 * The p value that a verdict rests on. Without a prompt an adapter that answers has reliably beaten the model's own answer (the gate's level is 0.1), or else
 * what would have answered in its place; one that does not may have failed either there or beside the examples' likeness.
 */
function decisiveP({ served, p_value: overOthers, own_p_value: overOwn = overOthers }) {
  if (!served) return Math.max(overOwn, overOthers);
  return overOwn < 0.1 ? overOwn : overOthers;
}

/** What the gate decided for each kind of prompt, and which labels would lose by the adapter. */
function gateTable(prompts, labels) {
  const names = Object.keys(PROMPT_NAMES).filter((name) => prompts[name]);
  return h('dl', { class: 'facts gate', 'aria-label': 'Gate' }, names.map((name) => [h('dt', {}, PROMPT_NAMES[name]),
    h('dd', {}, prompts[name].served ? h('span', { class: 'good' }, 'adapter') : 'base model',
      typeof prompts[name].p_value === 'number' ? h('span', { class: 'quiet' }, ` ${pValue(decisiveP(prompts[name]))}`) : null,
      prompts[name].harmed_labels?.length > 0
        ? h('span', { class: 'warn' }, ` worse for ${prompts[name].harmed_labels.map((value) => labelName(labels.find(value) ?? { value })).join(', ')}`) : null)]));
}

/** The ways of adapting that the folds chose from. */
function recipeTable(recipes) {
  return h('details', {}, h('summary', {}, 'Recipes that were tried'),
    h('table', {}, h('thead', {}, h('tr', {}, ['Recipe', 'Steps', 'Held-out Dice', 'Chosen'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, recipes.map(({ kind, steps, dice, chosen, note }) => h('tr', {}, h('td', {}, kind, note ? h('span', { class: 'quiet' }, ` ${note}`) : null),
        h('td', {}, steps ?? 'not tried'), h('td', {}, percent(dice)), h('td', {}, chosen ? 'yes' : 'no'))))));
}
