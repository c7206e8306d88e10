//! One fake of all four services: it succeeds by default, fails as it is told, and remembers what it was asked.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use common::Fault;
use contracts::{
    kitchen::{self, kitchen_service_server::KitchenService},
    orders::{self, OrderStatus, order_service_server::OrderService},
    payments::{self, payment_service_server::PaymentService},
    status::to_status,
    stock::{self, stock_service_server::StockService},
    types,
};
use tokio::sync::{Notify, watch};
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};
use tonic::{Request, Response, Status};

pub(crate) const ORDER: &str = "ord_00000000000000000000000000000007";
pub(crate) const TICKET: &str = "tkt_00000000000000000000000000000007";

type Watching<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Cheap to clone; all clones are the same fake.
#[derive(Clone)]
pub(crate) struct Fake {
    told: Arc<Mutex<Told>>,
    pub(crate) order: Arc<watch::Sender<orders::Order>>,
    pub(crate) ticket: Arc<watch::Sender<kitchen::Ticket>>,
    /// Breaks every stream that is open.
    pub(crate) break_streams: Arc<Notify>,
}

#[derive(Default)]
struct Told {
    faults: HashMap<&'static str, Fault>,
    delays: HashMap<&'static str, Duration>,
    asked: Vec<(&'static str, String)>,
    created: Option<orders::CreateOrderRequest>,
    webhook: Option<payments::HandleWebhookRequest>,
    link_not_ready: bool,
    replayed: bool,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self {
            told: Arc::default(),
            order: Arc::new(watch::Sender::new(order(OrderStatus::WaitingPayment, 1))),
            ticket: Arc::new(watch::Sender::new(ticket())),
            break_streams: Arc::default(),
        }
    }

    /// The method fails with this from now on.
    pub(crate) fn fail(&self, method: &'static str, fault: Fault) {
        self.told().faults.insert(method, fault);
    }

    /// The method succeeds again.
    pub(crate) fn heal(&self, method: &'static str) {
        self.told().faults.remove(method);
    }

    /// The method takes this long from now on.
    pub(crate) fn delay(&self, method: &'static str, delay: Duration) {
        self.told().delays.insert(method, delay);
    }

    pub(crate) fn link_is_not_ready(&self) {
        self.told().link_not_ready = true;
    }

    pub(crate) fn replays(&self) {
        self.told().replayed = true;
    }

    /// Every call of a method, as the debug text of its request.
    pub(crate) fn asked(&self, method: &str) -> Vec<String> {
        self.told().asked.iter().filter(|(m, _)| *m == method).map(|(_, r)| r.clone()).collect()
    }

    pub(crate) fn created(&self) -> orders::CreateOrderRequest {
        self.told().created.clone().expect("an order was created")
    }

    pub(crate) fn webhook(&self) -> payments::HandleWebhookRequest {
        self.told().webhook.clone().expect("a webhook came")
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    async fn ask<T: std::fmt::Debug>(&self, method: &'static str, request: Request<T>) -> Result<T, Status> {
        let request = request.into_inner();
        let (delay, fault) = {
            let mut told = self.told();
            told.asked.push((method, format!("{request:?}")));
            (told.delays.get(method).copied(), told.faults.get(method).cloned())
        };
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        match fault {
            Some(fault) => Err(to_status(&fault)),
            None => Ok(request),
        }
    }

    /// The states of a thing until the streams are broken.
    fn states<T: Clone + Send + Sync + 'static, M: Send + 'static>(
        &self,
        states: &watch::Sender<T>,
        message: impl Fn(T) -> M + Send + 'static,
    ) -> Watching<M> {
        let broken = self.break_streams.clone();
        let states = WatchStream::new(states.subscribe()).map(move |state| Ok(message(state)));
        let broken = futures::stream::once(async move {
            broken.notified().await;
            Err(Status::unavailable("the server went away at 10.0.0.1:2000"))
        });
        Box::pin(tokio_stream::StreamExt::merge(states, broken))
    }

    fn order_now(&self) -> orders::Order {
        self.order.borrow().clone()
    }

    fn ticket_now(&self) -> kitchen::Ticket {
        self.ticket.borrow().clone()
    }
}

pub(crate) fn usd(amount_minor: i64) -> types::Money {
    types::Money { amount_minor, currency: "usd".into() }
}

pub(crate) fn order(status: OrderStatus, version: u64) -> orders::Order {
    let at = prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 };
    orders::Order {
        id: ORDER.into(),
        customer_id: "2".into(),
        status: status.into(),
        lines: vec![orders::OrderLine {
            item_id: "2".into(),
            quantity: 2,
            name: Some("Coke".into()),
            unit_price: Some(usd(250)),
            subtotal: Some(usd(500)),
        }],
        total: Some(usd(500)),
        payment_link: Some("https://pay.example/x".into()),
        payment_expires_at: Some(at),
        created_at: Some(at),
        updated_at: Some(at),
        version,
        ..Default::default()
    }
}

/// One that can be read, unless its id is 8.
fn dead_letter(queue: &str, id: &str) -> orders::DeadLetter {
    let readable = id != "8";
    orders::DeadLetter {
        id: id.into(),
        queue: queue.into(),
        event_json: readable.then(|| r#"{"type":"order.paid","sequence":4}"#.into()),
        raw: (!readable).then(|| "{\"half".into()),
        reason: "invalid_request: the event cannot be read".into(),
        attempts: 1,
        first_failed_at: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
    }
}

fn ticket() -> kitchen::Ticket {
    kitchen::Ticket {
        id: TICKET.into(),
        order_id: ORDER.into(),
        state: kitchen::TicketState::Queued.into(),
        lines: vec![kitchen::TicketLine { item_id: "2".into(), name: "Coke".into(), quantity: 2 }],
        version: 1,
        ..Default::default()
    }
}

fn item(id: &str) -> stock::Item {
    stock::Item {
        id: id.into(),
        name: "Coke".into(),
        price: Some(usd(250)),
        on_hand: 10,
        held: 3,
        available: 7,
        version: 1,
        ..Default::default()
    }
}

#[tonic::async_trait]
impl OrderService for Fake {
    type WatchOrderStream = Watching<orders::WatchOrderResponse>;

    async fn create_order(
        &self,
        request: Request<orders::CreateOrderRequest>,
    ) -> Result<Response<orders::CreateOrderResponse>, Status> {
        let request = self.ask("create_order", request).await?;
        let order = orders::Order { id: request.order_id.clone(), ..self.order_now() };
        let mut told = self.told();
        told.created = Some(request);
        let (link_ready, replayed) = (!told.link_not_ready, told.replayed);
        Ok(Response::new(orders::CreateOrderResponse { order: Some(order), link_ready, replayed }))
    }

    async fn get_order(
        &self,
        request: Request<orders::GetOrderRequest>,
    ) -> Result<Response<orders::GetOrderResponse>, Status> {
        self.ask("get_order", request).await?;
        Ok(Response::new(orders::GetOrderResponse { order: Some(self.order_now()) }))
    }

    async fn list_orders(
        &self,
        request: Request<orders::ListOrdersRequest>,
    ) -> Result<Response<orders::ListOrdersResponse>, Status> {
        self.ask("list_orders", request).await?;
        let (orders, next_page_token) = (vec![self.order_now()], "next".into());
        Ok(Response::new(orders::ListOrdersResponse { orders, next_page_token }))
    }

    async fn cancel_order(
        &self,
        request: Request<orders::CancelOrderRequest>,
    ) -> Result<Response<orders::CancelOrderResponse>, Status> {
        self.ask("cancel_order", request).await?;
        Ok(Response::new(orders::CancelOrderResponse { order: Some(order(OrderStatus::Cancelled, 2)) }))
    }

    async fn refund_order(
        &self,
        request: Request<orders::RefundOrderRequest>,
    ) -> Result<Response<orders::RefundOrderResponse>, Status> {
        self.ask("refund_order", request).await?;
        let replayed = self.told().replayed;
        Ok(Response::new(orders::RefundOrderResponse { order: Some(self.order_now()), replayed }))
    }

    async fn get_timeline(
        &self,
        request: Request<orders::GetTimelineRequest>,
    ) -> Result<Response<orders::GetTimelineResponse>, Status> {
        self.ask("get_timeline", request).await?;
        let first = orders::TimelineEntry {
            at: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
            to: OrderStatus::Pending.into(),
            cause: "placed".into(),
            actor: "customer".into(),
            ..Default::default()
        };
        Ok(Response::new(orders::GetTimelineResponse { entries: vec![first] }))
    }

    async fn watch_order(
        &self,
        request: Request<orders::WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        let seen = self.ask("watch_order", request).await?.seen_version;
        let states = self.states(&self.order, |order| orders::WatchOrderResponse { order: Some(order) });
        let unseen = states.filter(move |state| {
            state.as_ref().map_or(true, |r| r.order.as_ref().is_some_and(|order| order.version > seen))
        });
        Ok(Response::new(Box::pin(unseen)))
    }

    async fn get_stats(
        &self,
        request: Request<orders::GetStatsRequest>,
    ) -> Result<Response<orders::GetStatsResponse>, Status> {
        self.ask("get_stats", request).await?;
        let counts = vec![orders::StatusCount { status: OrderStatus::Paid.into(), orders: 3 }];
        let queue = |queue: &str, dead_letters| orders::QueueStats {
            queue: queue.into(),
            ready: 1,
            in_flight: 2,
            dead_letters,
        };
        let queues = vec![queue("orders.payments", 1), queue("orders.kitchen", 2)];
        Ok(Response::new(orders::GetStatsResponse { counts, revenue: vec![usd(1500)], queues }))
    }

    async fn list_dead_letters(
        &self,
        request: Request<orders::ListDeadLettersRequest>,
    ) -> Result<Response<orders::ListDeadLettersResponse>, Status> {
        let queue = self.ask("list_dead_letters", request).await?.queue;
        let dead_letters = vec![dead_letter(&queue, "7"), dead_letter(&queue, "8")];
        Ok(Response::new(orders::ListDeadLettersResponse { dead_letters }))
    }

    async fn get_dead_letter(
        &self,
        request: Request<orders::GetDeadLetterRequest>,
    ) -> Result<Response<orders::GetDeadLetterResponse>, Status> {
        let request = self.ask("get_dead_letter", request).await?;
        let dead_letter = Some(dead_letter(&request.queue, &request.id));
        Ok(Response::new(orders::GetDeadLetterResponse { dead_letter }))
    }

    async fn replay_dead_letter(
        &self,
        request: Request<orders::ReplayDeadLetterRequest>,
    ) -> Result<Response<orders::ReplayDeadLetterResponse>, Status> {
        let found = self.ask("replay_dead_letter", request).await?.id != "none";
        Ok(Response::new(orders::ReplayDeadLetterResponse { found }))
    }

    async fn purge_dead_letter(
        &self,
        request: Request<orders::PurgeDeadLetterRequest>,
    ) -> Result<Response<orders::PurgeDeadLetterResponse>, Status> {
        let found = self.ask("purge_dead_letter", request).await?.id != "none";
        Ok(Response::new(orders::PurgeDeadLetterResponse { found }))
    }
}

#[tonic::async_trait]
impl PaymentService for Fake {
    async fn create_checkout(
        &self,
        _: Request<payments::CreateCheckoutRequest>,
    ) -> Result<Response<payments::CreateCheckoutResponse>, Status> {
        Err(Status::unimplemented("the gateway never asks for this"))
    }

    async fn get_payment(
        &self,
        request: Request<payments::GetPaymentRequest>,
    ) -> Result<Response<payments::GetPaymentResponse>, Status> {
        let order_id = self.ask("get_payment", request).await?.order_id;
        let payment = payments::Payment {
            id: order_id.replace("ord_", "pay_"),
            order_id,
            state: payments::PaymentState::Succeeded.into(),
            captured: Some(usd(500)),
            session_id: Some("cs_test_1".into()),
            checkout_attempts: 1,
            version: 3,
            ..Default::default()
        };
        Ok(Response::new(payments::GetPaymentResponse { payment: Some(payment) }))
    }

    async fn expire_checkout(
        &self,
        _: Request<payments::ExpireCheckoutRequest>,
    ) -> Result<Response<payments::ExpireCheckoutResponse>, Status> {
        Err(Status::unimplemented("the gateway never asks for this"))
    }

    async fn refund(
        &self,
        _: Request<payments::RefundRequest>,
    ) -> Result<Response<payments::RefundResponse>, Status> {
        Err(Status::unimplemented("the gateway never asks for this"))
    }

    async fn handle_webhook(
        &self,
        request: Request<payments::HandleWebhookRequest>,
    ) -> Result<Response<payments::HandleWebhookResponse>, Status> {
        let request = self.ask("handle_webhook", request).await?;
        self.told().webhook = Some(request);
        Ok(Response::new(payments::HandleWebhookResponse {}))
    }
}

#[tonic::async_trait]
impl StockService for Fake {
    async fn list_items(
        &self,
        request: Request<stock::ListItemsRequest>,
    ) -> Result<Response<stock::ListItemsResponse>, Status> {
        self.ask("list_items", request).await?;
        Ok(Response::new(stock::ListItemsResponse { items: vec![item("1"), item("2")] }))
    }

    async fn get_items(
        &self,
        request: Request<stock::GetItemsRequest>,
    ) -> Result<Response<stock::GetItemsResponse>, Status> {
        let ids = self.ask("get_items", request).await?.item_ids;
        let items = ids.iter().filter(|id| *id != "none").map(|id| item(id)).collect();
        Ok(Response::new(stock::GetItemsResponse { items }))
    }

    async fn check_items(
        &self,
        _: Request<stock::CheckItemsRequest>,
    ) -> Result<Response<stock::CheckItemsResponse>, Status> {
        Err(Status::unimplemented("the gateway never asks for this"))
    }

    async fn reserve(
        &self,
        _: Request<stock::ReserveRequest>,
    ) -> Result<Response<stock::ReserveResponse>, Status> {
        Err(Status::unimplemented("the gateway never asks for this"))
    }

    async fn commit(
        &self,
        _: Request<stock::CommitRequest>,
    ) -> Result<Response<stock::CommitResponse>, Status> {
        Err(Status::unimplemented("the gateway never asks for this"))
    }

    async fn release(
        &self,
        _: Request<stock::ReleaseRequest>,
    ) -> Result<Response<stock::ReleaseResponse>, Status> {
        Err(Status::unimplemented("the gateway never asks for this"))
    }

    async fn put_item(
        &self,
        request: Request<stock::PutItemRequest>,
    ) -> Result<Response<stock::PutItemResponse>, Status> {
        let id = self.ask("put_item", request).await?.item_id;
        Ok(Response::new(stock::PutItemResponse { item: Some(item(&id)), created: id == "new" }))
    }

    async fn restock(
        &self,
        request: Request<stock::RestockRequest>,
    ) -> Result<Response<stock::RestockResponse>, Status> {
        let id = self.ask("restock", request).await?.item_id;
        let replayed = self.told().replayed;
        Ok(Response::new(stock::RestockResponse { item: Some(item(&id)), replayed }))
    }
}

macro_rules! ticket_verb {
    ($self:ident, $name:literal, $request:ident, $response:ident) => {{
        $self.ask($name, $request).await?;
        Ok(Response::new(kitchen::$response { ticket: Some($self.ticket_now()) }))
    }};
}

#[tonic::async_trait]
impl KitchenService for Fake {
    type WatchTicketsStream = Watching<kitchen::WatchTicketsResponse>;

    async fn list_tickets(
        &self,
        request: Request<kitchen::ListTicketsRequest>,
    ) -> Result<Response<kitchen::ListTicketsResponse>, Status> {
        self.ask("list_tickets", request).await?;
        let (tickets, next_page_token) = (vec![self.ticket_now()], String::new());
        Ok(Response::new(kitchen::ListTicketsResponse { tickets, next_page_token }))
    }

    async fn get_ticket(
        &self,
        request: Request<kitchen::GetTicketRequest>,
    ) -> Result<Response<kitchen::GetTicketResponse>, Status> {
        ticket_verb!(self, "get_ticket", request, GetTicketResponse)
    }

    async fn ensure_ticket(
        &self,
        request: Request<kitchen::EnsureTicketRequest>,
    ) -> Result<Response<kitchen::EnsureTicketResponse>, Status> {
        ticket_verb!(self, "ensure_ticket", request, EnsureTicketResponse)
    }

    async fn start_ticket(
        &self,
        request: Request<kitchen::StartTicketRequest>,
    ) -> Result<Response<kitchen::StartTicketResponse>, Status> {
        ticket_verb!(self, "start_ticket", request, StartTicketResponse)
    }

    async fn finish_ticket(
        &self,
        request: Request<kitchen::FinishTicketRequest>,
    ) -> Result<Response<kitchen::FinishTicketResponse>, Status> {
        ticket_verb!(self, "finish_ticket", request, FinishTicketResponse)
    }

    async fn pick_up_ticket(
        &self,
        request: Request<kitchen::PickUpTicketRequest>,
    ) -> Result<Response<kitchen::PickUpTicketResponse>, Status> {
        ticket_verb!(self, "pick_up_ticket", request, PickUpTicketResponse)
    }

    async fn reject_ticket(
        &self,
        request: Request<kitchen::RejectTicketRequest>,
    ) -> Result<Response<kitchen::RejectTicketResponse>, Status> {
        ticket_verb!(self, "reject_ticket", request, RejectTicketResponse)
    }

    async fn cancel_ticket(
        &self,
        request: Request<kitchen::CancelTicketRequest>,
    ) -> Result<Response<kitchen::CancelTicketResponse>, Status> {
        ticket_verb!(self, "cancel_ticket", request, CancelTicketResponse)
    }

    async fn watch_tickets(
        &self,
        request: Request<kitchen::WatchTicketsRequest>,
    ) -> Result<Response<Self::WatchTicketsStream>, Status> {
        self.ask("watch_tickets", request).await?;
        let message = |ticket| kitchen::WatchTicketsResponse { ticket: Some(ticket) };
        Ok(Response::new(self.states(&self.ticket, message)))
    }
}
