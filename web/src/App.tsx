import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Route, Switch } from 'wouter';
import { ProblemError } from './api/problem';
import { LiveConnection } from './components/LiveConnection';
import { Shell } from './components/Shell';
import { EnvironmentsPage } from './pages/EnvironmentsPage';
import { EventsPage } from './pages/EventsPage';
import { NotFoundPage } from './pages/NotFoundPage';
import { ReleasePage } from './pages/ReleasePage';
import { ServicePage } from './pages/ServicePage';
import { ServicesPage } from './pages/ServicesPage';
import { resolveVariables, theme } from './theme';

const colorScheme = localStorageColorSchemeManager({ key: 'sluice-color-scheme' });

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The live connection keeps what is shown up to date; age alone is no reason to ask again.
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (attempts, error) => !(error instanceof ProblemError && error.code !== 'unreachable') && attempts < 2,
      // The control plane is on this machine or this network; what the browser thinks of the internet is no matter.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={resolveVariables}
      colorSchemeManager={colorScheme}
      defaultColorScheme="auto"
    >
      <QueryClientProvider client={queries}>
        <LiveConnection>
          <Notifications position="bottom-right" />
          <Shell>
            <Switch>
              <Route path="/" component={ServicesPage} />
              <Route path="/services/:environment/:name">
                {({ environment, name }) => <ServicePage key={`${environment}/${name}`} environment={environment} name={name} />}
              </Route>
              <Route path="/releases/:name">{({ name }) => <ReleasePage key={name} name={name} />}</Route>
              <Route path="/environments" component={EnvironmentsPage} />
              <Route path="/events" component={EventsPage} />
              <Route component={NotFoundPage} />
            </Switch>
          </Shell>
        </LiveConnection>
      </QueryClientProvider>
    </MantineProvider>
  );
}
