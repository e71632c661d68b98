namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Waits for conditions.</summary>
public static class Until
{
    /// <summary>Waits until a condition is true. For conditions that no task or event signals.</summary>
    public static async Task True(Func<bool> condition)
    {
        for (var i = 0; i < 6000; i++)
        {
            if (condition()) return;
            await Task.Delay(5);
        }
        Assert.Fail("The condition was not true within 30 s.");
    }
}
