//! Bookings: another API over the same host. A booking is confirmed at once, and every answer comes in an envelope.
//!
//! What an event, a seat and a refusal are is the standard policy's; only the routes and how answers look are this module's.

mod booking;
mod envelope;

use booking::{Booking, BookingPage, NewBooking, Wanted};
use boxoffice_sdk::prelude::*;
use boxoffice_sdk::{Conditional, RefusalShape, Written, paging};
use envelope::{Envelope, Refused};

/// The rules.
#[derive(Default)]
pub struct Bookings;

impl Rules for Bookings {
    fn about() -> About {
        about!()
    }

    fn refusal_shape() -> RefusalShape {
        RefusalShape::of::<Envelope<Refused>>()
    }

    fn routes() -> Routes<Self> {
        Self::event_routes()
            .with(
                Route::post("book", "/bookings", Self::book)
                    .summary("Book seats")
                    .access(Access::User)
                    .answers("The booking is confirmed; or, for a repeated idempotency key, the booking as it is")
                    .refuses(&[
                        Code::INVALID_REQUEST,
                        Code::FORBIDDEN,
                        Code::EVENT_NOT_FOUND,
                        Code::ALREADY_REGISTERED,
                        Code::SOLD_OUT,
                        Code::HOLD_EXPIRED,
                        Code::TICKET_CANCELLED,
                        Code::IDEMPOTENCY_KEY_REUSED,
                    ]),
            )
            .with(
                Route::get("list-bookings", "/bookings", Self::bookings)
                    .summary("List an email's bookings, oldest first")
                    .access(Access::User)
                    .answers("One page of bookings")
                    .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN]),
            )
            .with(
                Route::get("get-booking", "/bookings/{id}", Self::booking)
                    .summary("Read a booking")
                    .access(Access::User)
                    .answers("The booking")
                    .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN, Code::TICKET_NOT_FOUND]),
            )
            .with(
                Route::post("cancel-booking", "/bookings/{id}/cancel", Self::cancel_booking)
                    .summary("Cancel a booking")
                    .access(Access::User)
                    .answers("The booking is cancelled and its seats are free")
                    .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN, Code::TICKET_NOT_FOUND]),
            )
    }
}

impl Bookings {
    fn event_routes() -> Routes<Self> {
        Routes::none()
            .with(
                Route::post("create-event", "/events", Self::create)
                    .summary("Create an event")
                    .access(Access::Organizer)
                    .answers("The event was created")
                    .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN]),
            )
            .with(
                Route::get("list-events", "/events", Self::list)
                    .summary("List events, soonest first")
                    .cacheable()
                    .answers("One page of events")
                    .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN]),
            )
            .with(
                Route::get("get-event", "/events/{id}", Self::get)
                    .summary("Read an event")
                    .cacheable()
                    .answers("The event")
                    .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN, Code::EVENT_NOT_FOUND]),
            )
            .with(
                Route::get("get-availability", "/events/{id}/availability", Self::availability)
                    .summary("Read how many seats are left")
                    .answers("The seats of the event")
                    .refuses(&[Code::INVALID_REQUEST, Code::FORBIDDEN, Code::EVENT_NOT_FOUND]),
            )
    }

    /// Takes the seats and confirms them. Whoever repeats a request that broke off in between has its hold confirmed.
    fn book(&self, cx: &Context<'_>, Json(new): Json<NewBooking>) -> Result<Created<Envelope<Booking>>, Refusal> {
        let registration = Registration {
            event_id: new.event_id,
            email: new.user_email.into_text(),
            quantity: new.quantity.seats(),
            hold_ms: None,
            idempotency_key: cx.idempotency_key()?,
            attributes: None,
        };
        let Registered { mut ticket, replayed } = self.register(cx, registration)?;
        if ticket.confirmed_at.is_none() {
            ticket = self.confirm(cx, &ticket.id)?;
        }
        let location = format!("/bookings/{}", ticket.id);
        // A repeated key is answered with the booking as it is, which may have been cancelled since.
        let message = match ticket.status {
            TicketStatus::Cancelled => "The booking was made, and has been cancelled since.",
            TicketStatus::Confirmed | TicketStatus::Reserved => "The booking is confirmed.",
        };
        let created = Created::at(location, Envelope::new(message, ticket.into())).personal();
        Ok(if replayed { created.header("idempotency-replayed", "true") } else { created })
    }

    fn bookings(&self, cx: &Context<'_>, Query(wanted): Query<Wanted>) -> Result<Json<Envelope<BookingPage>>, Refusal> {
        Ok(Json(Envelope::new("These are the bookings.", self.tickets(cx, wanted.into())?.into())))
    }

    fn booking(&self, cx: &Context<'_>, (): ()) -> Result<Json<Envelope<Booking>>, Refusal> {
        Ok(Json(Envelope::new("This is the booking.", self.ticket(cx, &cx.ticket_id())?.into())))
    }

    fn cancel_booking(&self, cx: &Context<'_>, (): ()) -> Result<Json<Envelope<Booking>>, Refusal> {
        Ok(Json(Envelope::new("The booking is cancelled.", self.cancel(cx, &cx.ticket_id())?.into())))
    }

    fn create(&self, cx: &Context<'_>, new: NewEvent) -> Result<Created<Envelope<Event>>, Refusal> {
        let event = self.create_event(cx, new)?;
        let location = format!("/events/{}", event.id);
        Ok(Created::at(location, Envelope::new("The event was created.", event)).revalidated())
    }

    fn list(&self, cx: &Context<'_>, query: EventQuery) -> Result<Written<Envelope<EventPage>>, Refusal> {
        paging::fitting(query, |query| {
            Ok(Reply::new(Envelope::new("These are the events.", self.events(cx, query)?)).revalidated())
        })
    }

    fn get(&self, cx: &Context<'_>, (): ()) -> Result<Conditional<Reply<Envelope<Event>>>, Refusal> {
        let event = self.event(cx, &cx.event_id())?;
        Ok(Conditional::new(event.etag(), Envelope::new("This is the event.", event)))
    }

    fn availability(&self, cx: &Context<'_>, (): ()) -> Result<Reply<Envelope<Availability>>, Refusal> {
        let event = self.event(cx, &cx.event_id())?;
        let seats = Availability::of(event, cx.now());
        Ok(Reply::new(Envelope::new("These are the seats of the event.", seats)).revalidated())
    }
}

boxoffice_sdk::export!(Bookings);
