import { TextInput } from '@mantine/core';

interface Props {
  value: string;
  onChange: (name: string) => void;
  error?: string | false;
}

/** Asks who acts, wherever something is confirmed. */
export function ActorInput({ value, onChange, error = false }: Props) {
  return (
    <TextInput
      label="Your name"
      description="Goes into the event log. This browser remembers it."
      value={value}
      maxLength={64}
      autoComplete="username"
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
