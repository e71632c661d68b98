namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Gateways that answer as an older system does.</summary>
public static class OldClients
{
    /// <summary>Starts a gateway that has one endpoint for all requests, and whose conversations reply at once.</summary>
    /// <param name="mode">The older system.</param>
    /// <param name="reply">The reply of every turn.</param>
    /// <param name="change">Changes the endpoint.</param>
    public static Task<GatewayHost> Start(CompatMode mode, ReplyEvent[] reply, Func<EndpointDefinition, EndpointDefinition>? change = null) =>
        Start(mode, new FakeGrains { OnBegin = async conversation => await conversation.Post(EndOf(reply), reply) }, change);

    /// <summary>Starts a gateway that has one endpoint for all requests.</summary>
    public static Task<GatewayHost> Start(CompatMode mode, FakeGrains grains, Func<EndpointDefinition, EndpointDefinition>? change = null)
    {
        var endpoint = new EndpointDefinition { Id = "old", Host = "127.0.0.1", Compat = mode };
        grains.Fleet.Endpoints = new FleetEndpoints([change is null ? endpoint : change(endpoint)], HasCompatKeys: false);
        grains.Fleet.DefaultModel = "bot";
        return GatewayHost.Start(grains: grains);
    }

    /// <summary>Sets options of an endpoint.</summary>
    public static Func<EndpointDefinition, EndpointDefinition> With(params (string Name, string Value)[] options) =>
        endpoint => endpoint with { Options = options.ToDictionary(option => option.Name, option => option.Value) };

    /// <summary>Sends a request, without a key unless a header has it.</summary>
    public static async Task<HttpResponseMessage> Send(
        this GatewayHost host, string method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(host.Http.BaseAddress!, path)) { Content = content };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Bare.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static readonly HttpClient Bare = new() { Timeout = TimeSpan.FromSeconds(30) };

    private static Cursor EndOf(ReplyEvent[] reply) => reply.OfType<ReplyText>().LastOrDefault() is { } text
        ? new Cursor(text.Part, text.Offset + text.Text.Length)
        : new Cursor(1, 0);
}
