import { Rules } from './boxoffice/index.js';

/** The part of the seats from which on holds are short. */
const FEW = 10;
const SHORT_HOLD_MS = 60_000;

/** The standard rules, but for one: when fewer than a tenth of the seats are left, a hold lasts a minute. */
export class ShortHolds extends Rules {
    get about() {
        return { name: 'short-holds', version: '0.1.0', summary: 'The standard rules; a hold lasts 60 s when few seats are left' };
    }

    register(cx, registration) {
        const holdMs = this.isNearlyFull(cx, registration.eventId) ? SHORT_HOLD_MS : undefined;
        return super.register(cx, { ...registration, holdMs });
    }

    isNearlyFull(cx, eventId) {
        try {
            const { available, capacity } = cx.host.event(eventId);
            return available * FEW < capacity;
        } catch {
            // There is none, or it cannot be read: registering says so, after what comes before that.
            return false;
        }
    }
}
