//! The four gRPC ports as any client meets them: described, healthy, and callable.

use contracts::stock::{ListItemsRequest, stock_service_client::StockServiceClient};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::support::{Program, Running};

const SERVICES: [(&str, &str); 4] = [
    ("orders", "ordermesh.orders.v1.OrderService"),
    ("payments", "ordermesh.payments.v1.PaymentService"),
    ("stock", "ordermesh.stock.v1.StockService"),
    ("kitchen", "ordermesh.kitchen.v1.KitchenService"),
];

async fn channel(mesh: &Running, name: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", mesh.address(name))).unwrap();
    endpoint.connect().await.unwrap()
}

/// Asks reflection one thing.
async fn reflected(channel: Channel, asked: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let requests = futures::stream::iter([request]);
    let answers = ServerReflectionClient::new(channel).server_reflection_info(requests).await;
    answers.unwrap().into_inner().message().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test]
async fn every_service_is_listed_described_and_serving_on_its_port() {
    let program = Program::new();
    let mesh = program.start();
    for (name, service) in SERVICES {
        let channel = channel(&mesh, name).await;
        let listed = reflected(channel.clone(), MessageRequest::ListServices(String::new())).await;
        let MessageResponse::ListServicesResponse(listed) = listed else { panic!("{listed:?}") };
        let listed: Vec<_> = listed.service.into_iter().map(|service| service.name).collect();
        assert!(listed.iter().any(|name| name == service), "{name}: {listed:?}");
        assert!(listed.iter().any(|name| name == "grpc.health.v1.Health"), "{name}: {listed:?}");
        let others = SERVICES.iter().filter(|(other, _)| *other != name);
        assert!(others.into_iter().all(|(_, other)| !listed.iter().any(|name| name == other)), "{listed:?}");
        let file = reflected(channel.clone(), MessageRequest::FileContainingSymbol(service.to_owned())).await;
        assert!(matches!(file, MessageResponse::FileDescriptorResponse(_)), "{name}: {file:?}");
        for asked in [service, ""] {
            let request = HealthCheckRequest { service: asked.to_owned() };
            let health = HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner();
            assert_eq!(health.status(), ServingStatus::Serving, "{name} {asked:?}");
        }
    }
    let mut stock = StockServiceClient::new(channel(&mesh, "stock").await);
    let items = stock.list_items(ListItemsRequest::default()).await.unwrap().into_inner().items;
    assert!(items.iter().any(|item| item.name == "House burger"), "{items:?}");
}
