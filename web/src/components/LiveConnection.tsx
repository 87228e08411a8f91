import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { type Connection, follow } from '../api/live';

const Context = createContext<Connection>('connecting');

/** How the live connection stands. */
export const useConnection = () => useContext(Context);

/** Holds the live connection open for everything inside. */
export function LiveConnection({ children }: { children: ReactNode }) {
  const cache = useQueryClient();
  const [connection, setConnection] = useState<Connection>('connecting');
  useEffect(() => follow(cache, setConnection), [cache]);
  return <Context value={connection}>{children}</Context>;
}
