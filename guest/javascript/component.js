// The component: the host's functions in, the module's exports out. Nothing here decides anything.

import * as events from 'boxoffice:rules/events@0.1.0';
import * as tickets from 'boxoffice:rules/tickets@0.1.0';
import * as log from 'boxoffice:rules/log@0.1.0';
import { serve } from './boxoffice/index.js';
import { ShortHolds } from './rules.js';

export const { manifest, handler } = serve(new ShortHolds(), { events, tickets, log });
