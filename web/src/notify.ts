import { notifications } from '@mantine/notifications';

/** Says at the edge of the page, for a few seconds, that something was done. */
export const notify = (message: string) => notifications.show({ message, closeButtonProps: { 'aria-label': 'Close' } });
