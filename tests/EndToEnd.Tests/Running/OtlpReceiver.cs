using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>A span as the collector received it.</summary>
internal sealed record OtlpSpan(string TraceId, string Id, string ParentId, string Name, string State, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A series of a metric as the collector received it.</summary>
/// <param name="Name">The name of the metric.</param>
/// <param name="Attributes">Its labels.</param>
/// <param name="Count">The number of values in a histogram; 0 for other metrics.</param>
internal sealed record OtlpSeries(string Name, IReadOnlyDictionary<string, string> Attributes, ulong Count);

/// <summary>A fake collector of OpenTelemetry: receives OTLP over HTTP with Protocol Buffers, and keeps everything.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<byte[]> _bodies = new();
    private readonly ConcurrentQueue<OtlpSpan> _spans = new();
    private readonly ConcurrentQueue<OtlpSeries> _series = new();
    private volatile TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OtlpReceiver(WebApplication app) => _app = app;

    public IReadOnlyList<OtlpSpan> Spans => [.. _spans];

    public IReadOnlyList<OtlpSeries> Series => [.. _series];

    /// <summary>Everything that was received, as it was sent.</summary>
    public IReadOnlyList<byte[]> Bodies => [.. _bodies];

    /// <summary>The environment of nodes that send here, often.</summary>
    public Dictionary<string, string> Environment => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{new Uri(_app.Urls.First()).Port}",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "50",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
    };

    /// <summary>Starts a collector.</summary>
    /// <param name="isSilent">Whether it never answers.</param>
    public static async Task<OtlpReceiver> StartAsync(bool isSilent = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.Zero);
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.Run(isSilent ? static context => Task.Delay(Timeout.Infinite, context.RequestAborted) : receiver.Receive);
        await app.StartAsync(TestTimeout.Token);
        return receiver;
    }

    /// <summary>Waits until what was received satisfies a condition.</summary>
    public async Task WaitAsync(Func<OtlpReceiver, bool> condition)
    {
        var timeout = TestTimeout.Token;
        while (true)
        {
            var received = _received.Task;
            if (condition(this)) return;
            try
            {
                await received.WaitAsync(timeout);
            }
            catch (OperationCanceledException e)
            {
                throw new InvalidOperationException(
                    $"The collector has only spans {string.Join(", ", Spans.Select(span => span.Name).Distinct())} "
                    + $"and metrics {string.Join(", ", Series.Select(series => series.Name).Distinct())}.", e);
            }
        }
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task Receive(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var bytes = body.ToArray();
        _bodies.Enqueue(bytes);
        var request = new OtlpMessage(bytes);
        if (context.Request.Path == "/v1/traces") foreach (var span in ReadSpans(request)) _spans.Enqueue(span);
        if (context.Request.Path == "/v1/metrics") foreach (var series in ReadSeries(request)) _series.Enqueue(series);
        context.Response.ContentType = "application/x-protobuf";
        var received = _received;
        _received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        received.TrySetResult();
    }

    // The numbers are those of opentelemetry/proto/trace/v1/trace.proto and of metrics/v1/metrics.proto beside it.
    private static IEnumerable<OtlpSpan> ReadSpans(OtlpMessage request) =>
        from resource in request.All(1)
        from scope in resource.All(2)
        from span in scope.All(2)
        select new OtlpSpan(span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5), span.Text(3), span.Attributes(9));

    private static IEnumerable<OtlpSeries> ReadSeries(OtlpMessage request) =>
        from resource in request.All(1)
        from scope in resource.All(2)
        from metric in scope.All(2)
        let histograms = metric.All(9).SelectMany(data => data.All(1)).Select(point => (Attributes: point.Attributes(9), Count: point.Fixed(4)))
        let numbers = metric.All(5).Concat(metric.All(7)).SelectMany(data => data.All(1)).Select(point => (Attributes: point.Attributes(7), Count: 0UL))
        from point in histograms.Concat(numbers)
        select new OtlpSeries(metric.Text(1), point.Attributes, point.Count);
}
