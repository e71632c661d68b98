using System.Text;

namespace CozeCluster.Grains.Tests;

public sealed class FleetLogTests
{
    private static readonly byte[] Payload = Encoding.UTF8.GetBytes(new string('x', 2_000));

    [Fact]
    public void FirstLoad_ComesInPages_WithEveryRowOnce()
    {
        var log = new FleetLog(1, Enumerable.Range(0, 3_000).Select(i => Row($"{i}", 1)));

        var pages = Load(log, -1);

        Assert.InRange(pages.Count, 5, 8);
        Assert.Equal([true, .. Enumerable.Repeat(false, pages.Count - 1)], pages.Select(page => page.IsFull));
        Assert.All(pages, page => Assert.InRange(page.Rows.Sum(row => row.Payload!.Length), 1, FleetLog.PageBytes + Payload.Length));
        Assert.Equal(3_000, pages.SelectMany(page => page.Rows).DistinctBy(row => row.Id).Count());
    }

    [Fact]
    public void Changes_BetweenTwoPages_ArriveWithLaterPages()
    {
        var log = new FleetLog(1, Enumerable.Range(0, 3_000).Select(i => Row($"{i}", 1)));
        var first = log.GetChanges(new FleetPoll("p", -1))!;
        var known = first.Rows.ToDictionary(row => row.Id);

        var deleted = first.Rows[0] with { Version = 2, Payload = null };
        log = log.With(2, [deleted, Row(first.Rows[1].Id, 2), Row("added", 2)]);
        var next = first.Next;
        while (next is not null)
        {
            var page = log.GetChanges(new FleetPoll("p", -1) { After = next })!;
            Assert.False(page.IsFull);
            foreach (var row in page.Rows) known[row.Id] = row;
            next = page.Next;
            Assert.Equal(2, page.Version);
        }

        Assert.Null(known[deleted.Id].Payload);
        Assert.Equal((2, 2), (known[first.Rows[1].Id].Version, known["added"].Version));
        Assert.Equal(3_001, known.Count);
    }

    [Fact]
    public void VersionBeforeTheLog_LoadsEverything()
    {
        var log = new FleetLog(5, [Row("a", 3), Row("b", 5)]);

        Assert.True(log.GetChanges(new FleetPoll("p", 4))!.IsFull);
        Assert.Null(log.GetChanges(new FleetPoll("p", 5)));
        // As after a backup of the database was restored.
        Assert.True(log.GetChanges(new FleetPoll("p", 6))!.IsFull);
    }

    [Fact]
    public void PageOfALoadThatBeganElsewhere_BeginsAgain()
    {
        var log = new FleetLog(5, [Row("a", 3), Row("b", 5)]);

        var page = log.GetChanges(new FleetPoll("p", -1) { After = new FleetCursor(4, 3, FleetRowKind.Key, "a") })!;

        Assert.True(page.IsFull);
        Assert.Equal(["a", "b"], page.Rows.Select(row => row.Id));
    }

    [Fact]
    public void Deletions_AreForgottenWhenThereAreMany()
    {
        var log = new FleetLog(1, Enumerable.Range(0, 10_001).Select(i => new FleetRow(FleetRowKind.Key, $"{i}", 1, [1])));

        log = log.With(2, [.. log.Rows.Select(row => row with { Version = 2, Payload = null })]);

        var changes = log.GetChanges(new FleetPoll("p", 1))!;
        Assert.True(changes.IsFull);
        Assert.Empty(changes.Rows);
    }

    private static List<FleetChanges> Load(FleetLog log, long known)
    {
        List<FleetChanges> pages = [log.GetChanges(new FleetPoll("p", known))!];
        while (pages[^1].Next is { } next) pages.Add(log.GetChanges(new FleetPoll("p", known) { After = next })!);
        return pages;
    }

    private static FleetRow Row(string id, long version) => new(FleetRowKind.Key, id, version, Payload);
}
