using System.Diagnostics;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>
/// Traces the requests to upstreams: a span for each, until the headers of its response have arrived. It has no path, because paths may have secrets in them.
/// Upstreams learn nothing of traces unless <see cref="Tracing.ForwardSwitch"/> is on.
/// </summary>
internal sealed class UpstreamSpans(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly ActivitySource Source = new(Tracing.SourceName);
    private readonly bool _forwards = AppContext.TryGetSwitch(Tracing.ForwardSwitch, out var isOn) && isOn;

    /// <inheritdoc />
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        Source.HasListeners() && Activity.Current is not null ? SendTraced(request, cancellationToken) : base.SendAsync(request, cancellationToken);

    private async Task<HttpResponseMessage> SendTraced(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var span = Source.StartActivity("upstream request", ActivityKind.Client);
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("http.request.method", request.Method.Method);
            span.SetTag("server.address", request.RequestUri?.Host).SetTag("server.port", request.RequestUri?.Port);
        }
        if (_forwards && span is { IdFormat: ActivityIdFormat.W3C }) request.Headers.TryAddWithoutValidation("traceparent", span.Id);
        try
        {
            var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            span?.SetTag("http.response.status_code", (int)response.StatusCode);
            if (!response.IsSuccessStatusCode) span?.SetStatus(ActivityStatusCode.Error);
            return response;
        }
        catch (Exception exception)
        {
            span?.SetStatus(ActivityStatusCode.Error).SetTag(
                "error.type", exception is OperationCanceledException ? "cancelled" : UpstreamHandlers.ErrorOf(exception).ToString());
            throw;
        }
    }
}
