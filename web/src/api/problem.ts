import type { ProblemDetails } from './resources';

/** The API writes without a capital and a full stop, to be put into other sentences; here they stand alone. */
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** What the control plane refused, as it said it; or that it could not be reached. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    /** The stable code: `verb-refused`; `unreachable` when there was no answer. */
    readonly code: string,
    /** What went wrong, in plain words. */
    readonly detail: string,
    /** How to mend it, when that is known. */
    readonly hint?: string,
  ) {
    super(detail);
  }

  static from(body: ProblemDetails | undefined, status: number): ProblemError {
    if (body?.detail) return new ProblemError(body.code, sentence(body.detail), body.hint ? sentence(body.hint) : undefined);
    return new ProblemError('internal', `The control plane answered ${status} without saying why.`, 'Look at its log.');
  }

  static unreachable(): ProblemError {
    return new ProblemError(
      'unreachable',
      'The control plane cannot be reached.',
      'See whether `sluice serve` is running. The gateway goes on serving without it.',
    );
  }
}
