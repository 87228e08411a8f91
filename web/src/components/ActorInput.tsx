import { TextInput } from '@mantine/core';

interface Props {
  value: string;
  onChange: (name: string) => void;
}

/** Asks who acts, wherever something is confirmed. */
export function ActorInput({ value, onChange }: Props) {
  return (
    <TextInput
      label="Your name"
      description="Goes into the event log. This browser remembers it."
      value={value}
      maxLength={64}
      autoComplete="username"
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
