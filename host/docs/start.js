// Nothing is asked of anybody but this server: no validator badge, no other description by a parameter of the page's address.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  displayOperationId: true,
  defaultModelsExpandDepth: 0,
});
