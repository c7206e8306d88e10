// On the first start: the user that the services are, with a database for each of them and nothing else.
const services = ["orders", "payments", "stock", "kitchen"];
db.getSiblingDB("ordermesh").createUser({
  user: "ordermesh",
  pwd: process.env.MONGODB_PASSWORD,
  roles: services.map((service) => ({ role: "readWrite", db: `ordermesh_${service}` })),
});
