namespace CozeCluster.Grains.Tests.Runtime;

public sealed class SiloDeparturesTests
{
    [Fact]
    public void Publish_NotifiesAllCurrentSubscribers()
    {
        var departures = new SiloDepartures();
        var calls = new List<string>();
        using var first = departures.Subscribe(() => calls.Add("first"));
        using var second = departures.Subscribe(() => calls.Add("second"));
        departures.Subscribe(() => calls.Add("third")).Dispose();

        departures.Publish();
        departures.Publish();

        Assert.Equal(["first", "first", "second", "second"], calls.Order());
    }

    [Fact]
    public void Publish_SubscriberThatUnsubscribesWhenNotified_IsNotifiedOnce()
    {
        var departures = new SiloDepartures();
        var calls = 0;
        IDisposable? subscription = null;
        subscription = departures.Subscribe(() =>
        {
            calls++;
            subscription!.Dispose();
        });

        departures.Publish();
        departures.Publish();

        Assert.Equal(1, calls);
    }
}
