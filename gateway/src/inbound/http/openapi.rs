//! The OpenAPI 3.1 document, made from the routes, and the page that browses it without any other host.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use common::{Code, Fault};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
        ResponseBuilder, path::Operation, tag::TagBuilder,
    },
};
use utoipa_swagger_ui::Config as SwaggerConfig;

use super::{
    Answer, Api,
    problem::{BodyError, PROBLEM_JSON, ProblemDocument, ShortLine, outward},
};

const TAGS: [(&str, &str); 7] = [
    ("orders", "What a customer does"),
    ("items", "The menu"),
    ("staff", "What staff do with orders and items"),
    ("kitchen", "Tickets"),
    ("webhooks", "What payment providers call"),
    ("operation", "Health, numbers and the mesh"),
    ("queues", "The bus, and what to do with dead letters"),
];

/// What any request may be answered with.
const EVERYWHERE: [Code; 6] = [
    Code::InvalidParameter,
    Code::ForeignOrigin,
    Code::BodyTooLarge,
    Code::Internal,
    Code::Unavailable,
    Code::DeadlineExceeded,
];

/// What only some operations may be answered with.
fn faults_of(operation: &str) -> &'static [Code] {
    use Code::{
        DeadLetterNotFound, IdempotencyInFlight, IdempotencyKeyReused, InsufficientStock, InvalidOrder,
        InvalidRequest, InvalidSignature, InvalidTransition, ItemNotFound, MalformedJson,
        OrderNotCancellable, OrderNotFound, PaymentRejected, TicketNotFound, TooManyStreams,
        UnsupportedMediaType,
    };
    match operation {
        "place_order" => &[
            MalformedJson,
            InvalidOrder,
            InsufficientStock,
            PaymentRejected,
            IdempotencyKeyReused,
            IdempotencyInFlight,
        ],
        "get_order" | "get_order_file" | "get_timeline" => &[OrderNotFound],
        "follow_order" => &[OrderNotFound, TooManyStreams],
        "follow_kitchen" => &[TooManyStreams],
        "cancel_order" | "delete_order" => {
            &[OrderNotFound, OrderNotCancellable, MalformedJson, InvalidRequest, UnsupportedMediaType]
        }
        "refund_order" => &[
            OrderNotFound,
            InvalidTransition,
            MalformedJson,
            InvalidRequest,
            IdempotencyKeyReused,
            UnsupportedMediaType,
        ],
        "get_item" => &[ItemNotFound],
        "put_item" => &[InvalidTransition, MalformedJson, InvalidRequest, UnsupportedMediaType],
        "restock_item" => {
            &[ItemNotFound, MalformedJson, InvalidRequest, IdempotencyKeyReused, UnsupportedMediaType]
        }
        "start_ticket" | "finish_ticket" | "pick_up_ticket" => &[TicketNotFound, InvalidTransition],
        "reject_ticket" => {
            &[TicketNotFound, InvalidTransition, MalformedJson, InvalidRequest, UnsupportedMediaType]
        }
        "get_dead_letter" | "purge_dead_letter" => &[DeadLetterNotFound],
        "replay_dead_letter" => &[DeadLetterNotFound, InvalidRequest],
        "receive_webhook" | "receive_stripe_webhook" => &[InvalidSignature, MalformedJson],
        _ => &[],
    }
}

/// The document before its routes are added.
pub(super) fn document() -> OpenApi {
    let tags = TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    let problem_parts = ComponentsBuilder::new()
        .schema(ProblemDocument::name(), ProblemDocument::schema())
        .schema(BodyError::name(), BodyError::schema())
        .schema(ShortLine::name(), ShortLine::schema());
    let info = InfoBuilder::new()
        .title("Ordermesh")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("An order pipeline for a restaurant group."))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    OpenApiBuilder::new().info(info.build()).tags(Some(tags)).components(Some(problem_parts.build())).build()
}

/// Adds to each operation the problems that it may be answered with.
fn describe_problems(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            describe_problems_of(operation);
        }
    }
}

fn describe_problems_of(operation: &mut Operation) {
    let own = faults_of(operation.operation_id.as_deref().unwrap_or_default());
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for code in own.iter().chain(&EVERYWHERE) {
        by_status.entry(outward(*code).0.as_u16()).or_default().push(code.as_str());
    }
    for (status, codes) in by_status {
        let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDocument"))).build();
        let response = ResponseBuilder::new().description(codes.join(", ")).content(PROBLEM_JSON, content);
        let described = operation.responses.responses.entry(status.to_string());
        described.or_insert_with(|| RefOr::T(response.build()));
    }
}

/// `/openapi.json` and `/docs`.
pub(super) fn routes(mut document: OpenApi) -> Router<Api> {
    describe_problems(&mut document);
    let json = Bytes::from(serde_json::to_vec(&document).expect("our own document is JSON"));
    Router::new()
        .route("/openapi.json", get(async move || ([(CONTENT_TYPE, "application/json")], json)))
        .merge(browser())
}

/// Swagger UI from the binary. Its validator badge would ask another host.
fn browser<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let config = Arc::new(SwaggerConfig::from("/openapi.json").validator_url("none"));
    Router::new()
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(index))
        .route("/docs/{*file}", get(file))
        .with_state(config)
}

async fn index(State(config): State<Arc<SwaggerConfig<'static>>>) -> Answer<Response> {
    asset("index.html", config)
}

async fn file(
    State(config): State<Arc<SwaggerConfig<'static>>>,
    Path(file): Path<String>,
) -> Answer<Response> {
    asset(&file, config)
}

fn asset(file: &str, config: Arc<SwaggerConfig<'static>>) -> Answer<Response> {
    const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
        img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let found = utoipa_swagger_ui::serve(file, config).map_err(|e| Fault::internal(e.to_string()))?;
    let found = found.ok_or_else(|| Fault::new(Code::RouteNotFound, "there is nothing at this path"))?;
    let media = HeaderValue::try_from(found.content_type)
        .map_err(|_| Fault::internal("a media type that does not fit a header"))?;
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, media),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, found.bytes.into_owned()).into_response())
}
