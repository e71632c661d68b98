using System.Diagnostics;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.Tests.Shared;

/// <summary>What upstreams learn of traces, and what traces have of requests to upstreams.</summary>
public sealed class UpstreamSpansTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Send_InATrace_CarriesItOnlyIfTheSwitchIsOnAndHasNoPath(bool forwards)
    {
        await using var server = await WireServer.Start("{}", status: 500);
        var spans = new List<Activity>();
        using var source = new ActivitySource("of this test");
        using var listener = new ActivityListener
        {
            ShouldListenTo = sought => sought.Name == source.Name || sought.Name == Tracing.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => { lock (spans) spans.Add(span); },
        };
        ActivitySource.AddActivityListener(listener);
        AppContext.SetSwitch(Tracing.ForwardSwitch, forwards);
        using var handler = new UpstreamSpans(UpstreamHandlers.New(proxy: null));
        AppContext.SetSwitch(Tracing.ForwardSwitch, false);
        using var http = new HttpMessageInvoker(handler);

        using var outer = source.StartActivity("attempt")!;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{server.BaseUrl}/secret-in-path?key=secret");
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Activity span;
        lock (spans) span = Assert.Single(spans, span => span.ParentSpanId == outer.SpanId);
        Assert.Equal(forwards ? span.Id : null, Assert.Single(server.Requests).Headers.GetValueOrDefault("traceparent"));
        Assert.Equal(500, span.GetTagItem("http.response.status_code"));
        Assert.DoesNotContain(span.TagObjects, tag => $"{tag.Value}".Contains("secret", StringComparison.Ordinal));
    }
}
