using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdp;

/// <summary>A gateway whose port is an endpoint of coze-discord-proxy.</summary>
internal static class CdpHost
{
    /// <summary>Starts it.</summary>
    /// <param name="reply">The events of each reply; null if the test posts them.</param>
    /// <param name="anonymous">The tenant of requests without a key.</param>
    /// <param name="limit">Requests of an address within a minute.</param>
    /// <param name="options">Options of the endpoint.</param>
    public static async Task<GatewayHost> Start(
        Func<ReplyEvent[]>? reply = null, string? anonymous = null, int? limit = null, params (string Name, string Value)[] options)
    {
        var grains = new FakeGrains();
        if (reply is not null) grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), reply());
        var host = await GatewayHost.Start(gateway => gateway.StartGrace = TimeSpan.Zero, grains);
        var endpoint = new EndpointDefinition
        {
            Id = "cdp", Port = host.Http.BaseAddress!.Port, Compat = CompatMode.Cdp, Anonymous = anonymous, RequestsPerMinute = limit,
            Options = options.ToDictionary(option => option.Name, option => option.Value),
        };
        grains.Fleet.Endpoints = new FleetEndpoints([endpoint], HasCompatKeys: false);
        return host;
    }

    public static Task<HttpResponseMessage> Get(this GatewayHost host, string path, string? secret = "sk-test") =>
        host.Send(new HttpRequestMessage(HttpMethod.Get, path), secret);

    public static Task<HttpResponseMessage> Post(this GatewayHost host, string path, string body, string? secret = "sk-test") =>
        host.Send(new HttpRequestMessage(HttpMethod.Post, path) { Content = GatewayHost.Json(body) }, secret);

    private static Task<HttpResponseMessage> Send(this GatewayHost host, HttpRequestMessage request, string? secret)
    {
        host.Http.DefaultRequestHeaders.Authorization = null;
        if (secret is not null) request.Headers.Add("proxy-secret", secret);
        return host.Http.SendAsync(request);
    }

    /// <summary>Sends a chat with a key that may have any form.</summary>
    public static Task<HttpResponseMessage> ChatAs(this GatewayHost host, string? authorization, string? body = null, string? outTime = null)
    {
        host.Http.DefaultRequestHeaders.Authorization = null;
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = GatewayHost.Json(body ?? GatewayHost.Body()) };
        if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (outTime is not null) request.Headers.Add("out-time", outTime);
        return host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
