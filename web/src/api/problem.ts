import { sentence } from '../format/sentence';
import type { ProblemDetails } from './resources';

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
    // The API writes to be put into other sentences; here they stand alone.
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
