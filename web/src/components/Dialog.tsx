import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';

/** Moves to the first field that is not as it has to be, once it says so. */
export function showFirstError(form: HTMLFormElement) {
  requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

/** What opened a dialog may be gone when it closes, as a verb that is no longer possible; then the page's head takes the focus. */
function catchFocus() {
  if (document.activeElement === document.body) document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
}

interface Props {
  title: ReactNode;
  isOpen: boolean;
  onClose: () => void;
  size?: string;
  children: ReactNode;
}

/**
 * A dialog over the page. Put together from the library's parts, because its whole one has a `header` element, which
 * reads as a second head of the page.
 */
export function Dialog({ title, isOpen, onClose, size = 'md', children }: Props) {
  return (
    <Modal.Root opened={isOpen} onClose={onClose} size={size} centered onExitTransitionEnd={catchFocus}>
      <Modal.Overlay backgroundOpacity={0.5} />
      <Modal.Content bg="var(--surface)">
        <div style={{ display: 'flex', alignItems: 'center', justifyContent: 'space-between', gap: 12, padding: '16px 16px 12px' }}>
          <Modal.Title fw={650} lh={1.3} className="name">
            {title}
          </Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
